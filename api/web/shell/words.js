// Words in two languages. Each view registers its own, `{en: {key: text}, zh: {key: text}}`; both have the same keys.

const known = { en: new Map(), zh: new Map() };
const plural = { en: new Intl.PluralRules("en"), zh: new Intl.PluralRules("zh") };

let language = document.documentElement.lang.toLowerCase().startsWith("zh") ? "zh" : "en";

/** Adds words. A text has `{name}` where a value goes; `{one: …, other: …}` is chosen by the value `n`. */
export function register(words) {
  for (const [name, texts] of Object.entries(words)) {
    for (const [key, text] of Object.entries(texts)) known[name].set(key, text);
  }
}

/** The text of a key, with values put in. */
export function t(key, values = {}) {
  const found = known[language].get(key);
  if (found === undefined) {
    console.error(`no words for ${key}`);
    return key;
  }
  const text = typeof found === "string" ? found : (found[plural[language].select(Number(values.n))] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

const shown = (value) => (typeof value === "number" ? value.toLocaleString(language === "zh" ? "zh-CN" : "en") : String(value ?? ""));

/** The text of `prefix.word`, or the word itself where it is none of ours: codes may be added. */
export const named = (prefix, word) => (known[language].has(`${prefix}.${word}`) ? t(`${prefix}.${word}`) : String(word));

export const LANGUAGES = { en: "English", zh: "中文" };

/** `en` or `zh`. */
export const speaking = () => language;

/** Chooses a language and remembers it. What is drawn has to be drawn anew. */
export function speak(chosen) {
  language = chosen === "zh" ? "zh" : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  remember("language", language);
}

/** Remembers a choice in this browser, where it lets us. */
export function remember(name, value) {
  try {
    localStorage.setItem(`coldtrail.${name}`, value);
  } catch {
    // storage is switched off: it holds until the page is left
  }
}
