#!/usr/bin/env bash
# Installs the foreign programs the integration tests need: mosquitto, poppler, Chromium, a Chinese font, and Python packages in an environment of
# their own. May be run any number of times; what is there already is left alone.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/coldtrail
venv=$cache/venv
missing=()

mosquitto_is_there() {
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto >/dev/null && command -v mosquitto_pub >/dev/null
}

if ! mosquitto_is_there; then
    if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends mosquitto mosquitto-clients; } >&2 || true
    fi
    mosquitto_is_there || missing+=("mosquitto and mosquitto_pub: sudo apt-get install mosquitto mosquitto-clients")
fi

wide_font_is_there() {
    find /usr/share/fonts /usr/local/share/fonts \( -name 'NotoSansCJK-Regular*' -o -name 'wqy-microhei*' \) 2>/dev/null | grep -q .
}

if ! command -v pdftotext >/dev/null || ! wide_font_is_there; then
    if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends poppler-utils fonts-wqy-microhei; } >&2 || true
    fi
    { command -v pdftotext >/dev/null && wide_font_is_there; } ||
        missing+=("pdftotext and a Chinese font: sudo apt-get install poppler-utils fonts-wqy-microhei")
fi

chromium_is_there() {
    command -v chromium >/dev/null && [[ -x /usr/bin/chromedriver ]]
}

if ! chromium_is_there; then
    if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver; } >&2 || true
    fi
    chromium_is_there || missing+=("chromium and chromedriver: sudo apt-get install chromium chromium-driver")
fi

wanted=$(cksum <"$here/requirements.txt")
if [[ ! -x $venv/bin/python3 || $(cat "$venv/requirements.cksum" 2>/dev/null) != "$wanted" ]]; then
    mkdir -p "$cache"
    if python3 -m venv "$venv" >&2 && "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check \
        --requirement "$here/requirements.txt" >&2; then
        printf '%s' "$wanted" >"$venv/requirements.cksum"
    else
        missing+=("Python packages: sudo apt-get install python3 python3-venv; then, with access to PyPI:"
            "    python3 -m venv $venv && $venv/bin/python3 -m pip install -r $here/requirements.txt")
    fi
fi

if ((${#missing[@]})); then
    printf 'The integration tests need what could not be installed:\n' >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
fi
