// Before anything is drawn: the language and the theme that were chosen, so that nothing flickers.
"use strict";
(() => {
  const chosen = (name) => {
    try {
      return localStorage.getItem(`coldtrail.${name}`);
    } catch {
      return null; // storage is switched off: nothing is remembered
    }
  };
  const theme = chosen("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  const wanted = chosen("language") ?? navigator.language ?? "en";
  document.documentElement.lang = wanted.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
})();
