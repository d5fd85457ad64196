// Words of the views of a lot and of the stock.

export default {
  en: {
    "lot.title": "Lot", "lot.report": "Report (PDF)", "lot.report.made": "The report is being made …", "lot.overview": "The lot", "lot.labelled": "Labelled expiry", "lot.made": "made {date}", "lot.effective": "Effective expiry",
    "lot.left": { one: "{n} day left of the first", other: "{n} days left of the first" }, "lot.units": "Units", "lot.closed": { one: "{n} has ended", other: "{n} have ended" }, "lot.quantity": "Quantity", "lot.issuable": "{n} may be issued", "lot.held": "Held", "lot.units.held": { one: "{n} unit", other: "{n} units" },
    "lot.order": "Units, first to be taken first", "lot.order.note": "By effective expiry", "lot.unit": "Unit", "lot.verdict": "Verdict", "lot.may": "May be issued", "lot.yes": "Yes", "lot.no": "No", "lot.ended": "ended", "lot.place": "Place", "lot.site": "Site", "lot.heard": "Last reading", "lot.places": "Where it is",
    "stock.title": "Stock", "stock.order": "Lots, first to be taken first", "stock.note": "By effective expiry", "stock.lot": "Lot", "stock.product": "Product", "stock.issuable": "May be issued", "stock.standing": "Units by verdict",
  },
  zh: {
    "lot.title": "批次", "lot.report": "报告（PDF）", "lot.report.made": "正在生成报告…", "lot.overview": "批次概况", "lot.labelled": "标签有效期", "lot.made": "生产于 {date}", "lot.effective": "折算有效期",
    "lot.left": "最早的剩余 {n} 天", "lot.units": "货物单元", "lot.closed": "{n} 个已结束", "lot.quantity": "数量", "lot.issuable": "可发放 {n}", "lot.held": "扣留", "lot.units.held": "{n} 个单元",
    "lot.order": "货物单元（先到期先出）", "lot.order.note": "按折算有效期", "lot.unit": "货物单元", "lot.verdict": "结论", "lot.may": "可否发放", "lot.yes": "可以", "lot.no": "不可", "lot.ended": "已结束", "lot.place": "地点", "lot.site": "场所", "lot.heard": "最后读数", "lot.places": "所在位置",
    "stock.title": "库存", "stock.order": "批次（先到期先出）", "stock.note": "按折算有效期", "stock.lot": "批次", "stock.product": "产品", "stock.issuable": "可发放", "stock.standing": "按结论统计",
  },
};
