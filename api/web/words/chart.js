// Words of the chart.

export default {
  en: {
    "chart.label": "Temperature and humidity over time", "chart.tools": "What is shown of the time", "chart.in": "Closer", "chart.outer": "Wider", "chart.left": "Earlier", "chart.right": "Later",
    "chart.hour": "Hour", "chart.day": "Day", "chart.week": "Week", "chart.month": "30 days", "chart.all": "All", "chart.expiry": "To the expiry",
    "chart.limit": "Limit", "chart.out": "Excursion", "chart.gap": "Unknown", "chart.unknown": "unknown", "chart.single": "every reading",
    "chart.extent": "{from} to {to} UTC, {length}", "chart.hint": "Each column reaches from its lowest to its highest reading; the line is the last. Drag, or pinch, to come closer.",
    "chart.keys": "Plus and minus come closer and go wider, the arrow keys move, zero shows all. The readings are also below as a table.",
  },
  zh: {
    "chart.label": "温度与湿度随时间的变化", "chart.tools": "显示的时间范围", "chart.in": "放大", "chart.outer": "缩小", "chart.left": "向前", "chart.right": "向后",
    "chart.hour": "1 小时", "chart.day": "1 天", "chart.week": "1 周", "chart.month": "30 天", "chart.all": "全部", "chart.expiry": "直至到期",
    "chart.limit": "限值", "chart.out": "超限", "chart.gap": "未知", "chart.unknown": "未知", "chart.single": "逐个读数",
    "chart.extent": "{from} 至 {to} UTC，{length}", "chart.hint": "每列从最低读数到最高读数，线为最后读数。拖动或双指张开可放大。",
    "chart.keys": "加号和减号放大与缩小，方向键移动，零显示全部。下方另有读数表格。",
  },
};
