//! The words of letters, in each language.

use model::registry::Language;

/// The words of one language.
pub(super) struct Words {
    pub(super) hold: &'static str,
    pub(super) alarm: &'static str,
    pub(super) alarms: &'static str,
    pub(super) held_now: &'static str,
    pub(super) held: &'static str,
    pub(super) incident: &'static str,
    pub(super) cause: &'static str,
    pub(super) reason: &'static str,
    pub(super) place: &'static str,
    pub(super) since: &'static str,
    pub(super) placed_at: &'static str,
    pub(super) placed_by: &'static str,
    pub(super) worst: &'static str,
    pub(super) unit: &'static str,
    pub(super) units: &'static str,
    pub(super) product: &'static str,
    pub(super) lot: &'static str,
    pub(super) quantity: &'static str,
    pub(super) more: &'static str,
    pub(super) see: &'static str,
    pub(super) do_review: &'static str,
    pub(super) do_acknowledge: &'static str,
    pub(super) escalated: &'static str,
    pub(super) urgent: &'static str,
    pub(super) notification: &'static str,
    /// Codes of reasons and alarms, for people.
    codes: &'static [(&'static str, &'static str)],
}

impl Words {
    /// The words of `language`.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        }
    }

    /// A code for people; itself where there is no word for it.
    pub(super) fn code<'a>(&self, code: &'a str) -> &'a str {
        self.codes.iter().find(|(known, _)| *known == code).map_or(code, |(_, word)| word)
    }
}

static ENGLISH: Words = Words {
    hold: "Hold",
    alarm: "Alarm",
    alarms: "Alarms",
    held_now: "These goods are on hold and must not be issued.",
    held: "On hold",
    incident: "Incident",
    cause: "Cause",
    reason: "Reason",
    place: "Place",
    since: "Since",
    placed_at: "Placed",
    placed_by: "Placed by",
    worst: "Worst value",
    unit: "Unit",
    units: "units",
    product: "product",
    lot: "Lot",
    quantity: "quantity",
    more: "and more:",
    see: "See",
    do_review: "Take the hold under review to acknowledge this.",
    do_acknowledge: "Acknowledge the alarm, so that nobody else has to be told.",
    escalated: "Nobody has acknowledged this in time; therefore you are told.",
    urgent: "URGENT",
    notification: "Notification",
    codes: &[
        ("manual", "placed by hand"),
        ("excursion", "temperature or humidity out of limits"),
        ("frozen", "frozen"),
        ("budget", "time out of storage used up"),
        ("expired", "expired"),
        ("effective_expiry", "effective expiry has passed"),
        ("model_range", "temperature beyond what is known of the product"),
        ("rule_fired", "rule fired"),
        ("sensor_silent", "sensor silent"),
        ("moved_while_blocked", "moved while blocked"),
        ("notification_undelivered", "notifications are not delivered"),
        ("account_locked", "account locked after wrong passwords"),
    ],
};

static CHINESE: Words = Words {
    hold: "冻结",
    alarm: "报警",
    alarms: "报警",
    held_now: "以下货物已被冻结,不得出库。",
    held: "已冻结",
    incident: "事件",
    cause: "原因",
    reason: "说明",
    place: "地点",
    since: "起始时间",
    placed_at: "冻结时间",
    placed_by: "冻结人",
    worst: "最差值",
    unit: "单元",
    units: "个单元",
    product: "产品",
    lot: "批号",
    quantity: "数量",
    more: "其余数量:",
    see: "查看",
    do_review: "请将冻结转入审核,以确认收到本通知。",
    do_acknowledge: "请确认报警,以免继续上报。",
    escalated: "无人按时确认本通知,现升级通知您。",
    urgent: "【紧急】",
    notification: "通知编号",
    codes: &[
        ("manual", "人工冻结"),
        ("excursion", "温湿度超限"),
        ("frozen", "已冻冰"),
        ("budget", "脱离储存时间已用尽"),
        ("expired", "已过期"),
        ("effective_expiry", "有效期(折算)已过"),
        ("model_range", "温度超出产品已知范围"),
        ("rule_fired", "规则触发"),
        ("sensor_silent", "传感器无数据"),
        ("moved_while_blocked", "冻结期间被移动"),
        ("notification_undelivered", "通知无法送达"),
        ("account_locked", "账户因密码多次错误被锁定"),
    ],
};
