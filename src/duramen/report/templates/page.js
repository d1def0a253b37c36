// Reads the customers that the page carries; searches, sorts, filters, selects, saves and draws them.
// Everything that comes from the data is written as text, never as markup.
"use strict";
(async () => {
  const byId = id => document.getElementById(id);
  const held = byId("customers-data");
  if (!held) return;
  const page = JSON.parse(byId("page-texts").textContent);
  const say = (name, values = {}) => page.texts[name].replace(/\{(\w+)\}/g, (whole, key) => key in values ? values[key] : whole);
  if (typeof DecompressionStream === "undefined") {
    byId("too-old").hidden = false;
    return;
  }
  const bytes = Uint8Array.from(atob(held.textContent.trim()), letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = await new Response(stream).json();
  held.remove();

  // --- entries in words -------------------------------------------------------------------------------------------
  const columns = data.columns, size = columns.customer_id.length;
  const grouped = (number, digits) => number.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
  const minus = text => text.replace("-", "\u2212");
  const count = number => grouped(number, 0);
  // A small amount keeps decimals, or it would read as 0.
  const money = number => number === null ? "\u2013" : minus(grouped(number, number !== 0 && Math.abs(number) < 1 ? 2 : page.digits));
  const sum = number => grouped(number, Math.abs(number) >= 1000 ? 0 : 2);
  const share = (part, plus) => part === null ? "\u2013"
    : (plus && Math.round(100 * part) > 0 ? "+" : "") + minus(grouped(Math.round(100 * part) || 0, 0)) + page.per_cent;
  const chance = part => part === null ? "\u2013" : part > 0 && part < .005 ? "<1" + page.per_cent : part > .995 && part < 1 ? ">99" + page.per_cent : share(part);
  const iso = day => day === null ? "" : new Date(864e5 * day).toISOString().slice(0, 10);
  const calendar = new Intl.DateTimeFormat(page.lang === "zh" ? "zh-CN" : "en-GB", {day: "numeric", month: "long", year: "numeric", timeZone: "UTC"});
  const date = day => calendar.format(new Date(864e5 * day)).replaceAll(" ", "\u00a0");
  const word = (name, row) => columns[name] && columns[name][row] >= 0 ? data.words[name][columns[name][row]] : "\u2013";
  // Sentences of the ranking have per cent as files have it.
  const spaced = text => text.replace(/(\d) ?%/g, "$1" + page.per_cent);
  const reasons = row => ["reason_1", "reason_2", "reason_3"].map(name => columns[name] ? columns[name][row] : "").filter(Boolean);
  const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
  // A date in Chinese stays on one line, as in the texts that the page has from the start.
  const whole = text => text.split(/(\d{4}\u5e74\d{1,2}\u6708(?:\d{1,2}\u65e5)?)/).map((part, place) => place % 2
    ? Object.assign(document.createElement("span"), {className: "day", textContent: part}) : part);
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter(child => child !== null && child !== undefined).flatMap(child => typeof child === "string" ? whole(child) : [child]));
    return made;
  };

  let rank = 0;
  columns.rank = columns.rank.map(step => rank += step);
  const all = Array.from({length: size}, (_, row) => row);

  // --- the table --------------------------------------------------------------------------------------------------
  const shown = [
    ["rank", row => count(columns.rank[row]), "n"],
    ["customer_id", null, "who"],
    ["tier", row => word("tier", row), ""],
    // Where the score is the predicted value, one column has both.
    ...columns.score && all.some(row => columns.score[row] !== columns.predicted_value[row]) ? [["score", row => money(columns.score[row]), "n"]] : [],
    ["predicted_value", row => money(columns.predicted_value[row]), "n"],
    ["interval", row => page.texts.from_to.replace("{low}", money(columns.predicted_value_low[row])).replace("{high}", money(columns.predicted_value_high[row])), "n"],
    ["growth_rate", row => share(columns.growth_rate[row], true), "n"],
    ["probability_active", row => chance(columns.probability_active[row]), "n"],
    ["expected_loss", row => money(columns.expected_loss[row]), "n"],
    ["probability_core", row => chance(columns.probability_core[row]), "n"],
    ["lifecycle_stage", row => word("lifecycle_stage", row), ""],
    ["treatment", row => capital(word("treatment", row)), "do"],
  ];
  // A customer can be on several lists: a bit for each.
  const isOn = (row, at) => columns.lists[row] >> at & 1;
  const listed = row => data.lists.filter((_, at) => isOn(row, at)).map(list => list.name).join("; ");
  const sortedBy = {interval: "predicted_value_high"};
  const state = {search: "", filters: {}, sort: "rank", up: true, at: 0, selected: new Set()};
  const each = 25;
  const haystack = all.map(row => [columns.customer_id[row], word("treatment", row), word("segment", row), ...reasons(row)].join("\n").toLowerCase());
  let rows = all;

  const compare = name => {
    const values = columns[sortedBy[name] || name];
    if (data.words[name]) {
      const collator = new Intl.Collator(page.lang), words = data.words[name];
      const order = words.map((_, code) => code).sort((a, b) => collator.compare(words[a], words[b]));
      const places = []; order.forEach((code, place) => { places[code] = place; });
      return row => values[row] < 0 ? null : places[values[row]];
    }
    return row => values[row];
  };
  const inOrder = some => {
    const key = compare(state.sort), turn = state.up ? 1 : -1;
    const keyed = some.map(row => [key(row), row]);
    keyed.sort(([a, i], [b, j]) => {
      if (a === null || b === null) return (a === null) - (b === null) || i - j;
      const found = typeof a === "string" ? a.localeCompare(b, "en", {numeric: true}) : a - b;
      return turn * found || i - j;
    });
    return keyed.map(pair => pair[1]);
  };
  const choose = () => {
    const wanted = state.search.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const filters = Object.entries(state.filters).filter(([, code]) => code !== "");
    rows = inOrder(all.filter(row => filters.every(([name, code]) => name === "list" ? isOn(row, code) : columns[name][row] === Number(code))
      && wanted.every(part => haystack[row].includes(part))));
    state.at = Math.min(state.at, Math.max(0, Math.ceil(rows.length / each) - 1));
  };

  // Names, and ranks, begin with the first; amounts with the largest.
  const upFirst = name => ["rank", "customer_id"].includes(name) || name in data.words;
  const body = byId("customer-rows"), heads = byId("customer-heads"), status = byId("customer-status");
  const everything = element("input", {type: "checkbox", "aria-label": say("select_all"), onchange: event => {
    for (const row of rows) event.target.checked ? state.selected.add(row) : state.selected.delete(row);
    draw();
  }});
  heads.append(element("th", {scope: "col", role: "columnheader", class: "pick"}, everything));
  for (const [name, , kind] of shown) {
    const button = element("button", {type: "button", onclick: () => {
      state.up = state.sort === name ? !state.up : upFirst(name);
      state.sort = name; state.at = 0; refresh();
    }}, page.heads[name]);
    heads.append(element("th", {scope: "col", role: "columnheader", class: kind === "n" ? "n" : null, "data-name": name}, button));
  }
  const draw = () => {
    for (const head of heads.querySelectorAll("[data-name]")) {
      head.setAttribute("aria-sort", head.dataset.name !== state.sort ? "none" : state.up ? "ascending" : "descending");
    }
    const here = rows.slice(state.at * each, (state.at + 1) * each);
    body.replaceChildren(...here.map(row => {
      const id = columns.customer_id[row];
      const pick = element("input", {type: "checkbox", "aria-label": say("select_one", {customer: id}), onchange: event => {
        event.target.checked ? state.selected.add(row) : state.selected.delete(row); tell();
      }});
      pick.checked = state.selected.has(row);
      return element("tr", {role: "row"}, element("td", {role: "cell", class: "pick"}, pick), ...shown.map(([name, text, kind]) => name === "customer_id"
        ? element("th", {scope: "row", role: "rowheader", class: "who"}, element("button", {type: "button", class: "link", "aria-label": say("open", {customer: id}), onclick: () => open(row, true)}, id))
        : element("td", {role: "cell", class: kind || null, "data-is": page.heads[name], "data-name": name}, text(row))));
    }));
    const pages = Math.max(1, Math.ceil(rows.length / each));
    byId("customer-page").textContent = say("page", {page: count(state.at + 1), pages: count(pages)});
    byId("customer-before").disabled = state.at === 0;
    byId("customer-next").disabled = state.at >= pages - 1;
    byId("no-customer").hidden = rows.length > 0;
    tell();
  };
  // How many are saved at most: all where nothing is entered.
  const limit = () => byId("save-first").value === "" ? Infinity : Math.max(0, Math.floor(Number(byId("save-first").value)));
  const tell = () => {
    const total = rows.reduce((so, row) => so + columns.predicted_value[row], 0);
    status.textContent = say("status", {found: count(rows.length), all: count(data.all), money: sum(total), selected: count(state.selected.size)});
    const picked = rows.filter(row => state.selected.has(row)).length;
    everything.checked = picked > 0 && picked === rows.length;
    everything.indeterminate = picked > 0 && picked < rows.length;
    const saved = Math.min(limit(), state.selected.size || rows.length);
    for (const kind of ["csv", "xlsx"]) {
      byId("save-" + kind).textContent = say(state.selected.size ? "save_selected" : "save_all", {n: count(saved), kind: kind.toUpperCase()});
      byId("save-" + kind).disabled = saved === 0;
    }
  };
  const refresh = () => { choose(); draw(); };

  const filters = byId("customer-filters");
  // On a phone rows are cards without heads: the order is chosen here.
  const order = element("select", {id: "customer-order", onchange: event => {
    state.sort = event.target.value; state.up = upFirst(state.sort); state.at = 0; refresh();
  }}, ...shown.map(([name]) => element("option", {value: name}, page.heads[name])));
  filters.append(element("label", {class: "only-cards"}, say("sort_by"), order));
  for (const name of ["list", "tier", "segment", "lifecycle_stage", "quadrant", "treatment", ...data.groups]) {
    const words = name === "list" ? data.lists.map(list => list.name) : data.words[name];
    if (!words || words.length < (name === "list" ? 1 : 2)) continue;
    const select = element("select", {id: "filter-" + name, onchange: event => {
      state.filters[name] = event.target.value; state.at = 0;
      // A list is in its own order, as below its first customers.
      if (name === "list") { ({sort: state.sort, up: state.up} = data.lists[event.target.value] ?? {sort: "rank", up: true}); order.value = state.sort; }
      refresh();
    }},
      element("option", {value: ""}, say("any")), ...words.map((text, code) => element("option", {value: code}, capital(text))));
    filters.append(element("label", {}, page.heads[name] || name, select));
  }
  byId("customer-search").addEventListener("input", event => { state.search = event.target.value; state.at = 0; refresh(); });
  byId("save-first").addEventListener("input", () => tell());
  byId("customer-before").addEventListener("click", () => { state.at -= 1; draw(); });
  byId("customer-next").addEventListener("click", () => { state.at += 1; draw(); });
  const begin = wanted => {
    Object.assign(state, {search: "", filters: {}, sort: "rank", up: true, at: 0}, wanted);
    byId("customer-search").value = byId("save-first").value = "";
    for (const select of filters.querySelectorAll("select")) select.value = state.filters[select.id.replace("filter-", "")] ?? "";
    order.value = state.sort;
    refresh();
  };
  byId("customer-clear").addEventListener("click", () => begin({selected: new Set()}));
  for (const place of document.querySelectorAll("[data-list]")) {
    const at = data.lists.findIndex(list => list.key === place.dataset.list), list = data.lists[at];
    const here = list ? all.filter(row => isOn(row, at)).length : 0;
    if (!here) continue;
    place.append(element("button", {type: "button", onclick: () => {
      begin({filters: {list: String(at)}, sort: list.sort, up: list.up});
      byId("customer-saving").scrollIntoView();
      byId("customer-table").focus({preventScroll: true});
    }}, say(here === list.customers ? "show_list" : "show_part", {n: count(here), all: count(list.customers)})));
    place.hidden = false;
  }

  // --- files ------------------------------------------------------------------------------------------------------
  const saved = () => {
    const numbers = ["rank", "score", "predicted_value", "predicted_value_low", "predicted_value_high", "past_value", "cost_to_serve", "expected_loss",
      "growth_rate", "probability_growing", "probability_active", "probability_core"].filter(name => columns[name]);
    const names = ["customer_id", ...numbers, "list", ...Object.keys(data.words), ...["last_purchase", "next_purchase", "reason_1", "reason_2", "reason_3"].filter(name => columns[name])];
    const chosen = (state.selected.size ? inOrder(all.filter(row => state.selected.has(row))) : rows).slice(0, limit());
    const entry = (name, row) => name in data.words ? (columns[name][row] < 0 ? "" : data.words[name][columns[name][row]])
      : name === "list" ? listed(row) : name.endsWith("_purchase") ? iso(columns[name][row]) : columns[name][row] === null ? "" : columns[name][row];
    return [names, ...chosen.map(row => names.map(name => entry(name, row)))];
  };
  const offer = (parts, type, name) => {
    const link = element("a", {href: URL.createObjectURL(new Blob(parts, {type})), download: name});
    document.body.append(link); link.click(); link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  // A spreadsheet would run text that begins so: it gets an apostrophe, as in every CSV file of duramen.
  const cell = value => {
    if (typeof value === "number") return String(value);
    const text = page.formula_starts.includes(value.charAt(0)) ? "'" + value : value;
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  byId("save-csv").addEventListener("click", () => offer(["\ufeff" + saved().map(row => row.map(cell).join(",") + "\r\n").join("")], "text/csv;charset=utf-8", "customers.csv"));

  const crcTable = Array.from({length: 256}, (_, n) => { for (let k = 0; k < 8; k += 1) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0; });
  const crc = part => { let c = ~0; for (const byte of part) c = crcTable[(c ^ byte) & 255] ^ (c >>> 8); return ~c >>> 0; };
  // A zip archive without compression: local headers with the files, then the directory.
  const zip = files => {
    const encoder = new TextEncoder(), parts = [], directory = [];
    let at = 0;
    const bytes = (...fields) => { const made = []; for (const [length, value] of fields) for (let k = 0; k < length; k += 1) made.push(Math.floor(value / 2 ** (8 * k)) & 255); return made; };
    for (const [name, text] of files) {
      const called = encoder.encode(name), content = encoder.encode(text), sum = crc(content);
      const fields = bytes([2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21], [4, sum], [4, content.length], [4, content.length], [2, called.length], [2, 0]);
      parts.push(new Uint8Array([...bytes([4, 0x04034b50]), ...fields, ...called]), content);
      directory.push(new Uint8Array([...bytes([4, 0x02014b50], [2, 20]), ...fields, ...bytes([2, 0], [2, 0], [2, 0], [4, 0], [4, at]), ...called]));
      at += 30 + called.length + content.length;
    }
    const length = directory.reduce((so, part) => so + part.length, 0);
    return [...parts, ...directory, new Uint8Array(bytes([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, length], [4, at], [2, 0]))];
  };
  // Characters that XML cannot hold are left out; all text is text in the sheet, whatever it looks like.
  const xml = text => text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "").replace(/[&<>"]/g, letter => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[letter]);
  const workbook = table => {
    const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n', office = "http://schemas.openxmlformats.org/";
    const lines = table.map(row => "<row>" + row.map(value => typeof value === "number" ? `<c><v>${value}</v></c>`
      : `<c t="inlineStr"><is><t xml:space="preserve">${xml(value)}</t></is></c>`).join("") + "</row>");
    return zip([
      ["[Content_Types].xml", head + `<Types xmlns="${office}package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`],
      ["_rels/.rels", head + `<Relationships xmlns="${office}package/2006/relationships"><Relationship Id="rId1" Type="${office}officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`],
      ["xl/workbook.xml", head + `<workbook xmlns="${office}spreadsheetml/2006/main" xmlns:r="${office}officeDocument/2006/relationships"><sheets><sheet name="customers" sheetId="1" r:id="rId1"/></sheets></workbook>`],
      ["xl/_rels/workbook.xml.rels", head + `<Relationships xmlns="${office}package/2006/relationships"><Relationship Id="rId1" Type="${office}officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`],
      ["xl/worksheets/sheet1.xml", head + `<worksheet xmlns="${office}spreadsheetml/2006/main"><sheetData>${lines.join("")}</sheetData></worksheet>`],
    ]);
  };
  byId("save-xlsx").addEventListener("click", () => offer(workbook(saved()), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "customers.xlsx"));

  // --- one customer -----------------------------------------------------------------------------------------------
  const purchases = row => {
    const steps = data.months.steps[row];
    if (!steps) return null;
    const [year, month] = data.months.start.split("-").map(Number);
    const [endYear, endMonth] = data.months.end.split("-").map(Number);
    const start = 12 * year + month - 1, end = 12 * endYear + endMonth - 1;
    const named = when => `${Math.floor(when / 12)}-${String(when % 12 + 1).padStart(2, "0")}`;
    let at = start;
    const net = new Map(steps.map((step, place) => [at += step, data.months.net[row][place]]));
    if (!net.size) return [];
    // Months without a purchase are drawn too, to the end of the history and a year of it at least where it has one.
    const first = Math.max(start, Math.min(...net.keys(), end - 11));
    const months = Array.from({length: end - first + 1}, (_, place) => ({month: named(first + place), net: net.get(first + place) || 0}));
    const inWords = when => page.lang === "zh" ? `${Math.floor(when / 12)}\u5e74${when % 12 + 1}\u6708` : named(when);
    return Object.assign(months, {known: [...net.keys()].map(inWords)});
  };
  const most = 7;
  const times = factor => "\u00d7" + (factor >= 9.95 ? grouped(factor, 0) : factor >= 1.095 ? grouped(factor, 1)
    : factor >= .095 ? grouped(factor, 2) : factor >= .001 ? String(Number(factor.toPrecision(1))) : "<0.001");
  const factors = row => {
    const logs = data.themes.map((name, place) => [page.themes[name] || name, data.factors[place][row] / 1000]).filter(([, log]) => Math.abs(log) >= .005);
    logs.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    const rest = logs.slice(most).reduce((so, [, log]) => so + log, 0), steps = logs.slice(0, most);
    if (logs.length > most) steps.push([page.themes[""], rest]);
    const line = (name, from, to, text, kind) => ({name, from, to, right: Math.max(from, to), text, kind});
    let value = data.typical;
    const bars = [line(say("typical"), value * .985, value, money(value), "value")];
    for (const [name, log] of steps) {
      const next = value * Math.exp(log);
      bars.push(line(name, value, next, times(Math.exp(log)), log > 0 ? "up" : "down"));
      value = next;
    }
    const predicted = columns.predicted_value[row];
    bars.push(line(say("predicted"), predicted * .985, predicted, money(predicted), "value"));
    return bars;
  };
  const forecast = row => {
    const [value, low, high, past] = ["predicted_value", "predicted_value_low", "predicted_value_high", "past_value"].map(name => columns[name][row]);
    return [{name: say("at_past_rate"), value: past, low: past, high: past, text: money(past)}, {name: say("predicted"), value, low, high, text: money(value)}];
  };
  // What a forecast is made of: how likely a purchase is, and the money in that case.
  const ifBought = row => {
    const [value, active] = [columns.predicted_value[row], columns.probability_active && columns.probability_active[row]];
    return value > 0 && active > 0 ? say("if_bought", {chance: chance(active), each: money(value / active)}) : "";
  };
  // 1, 2 and 5 times the powers of ten inside of a logarithmic axis, or the powers alone on a long one.
  const ticks = table => {
    const ends = table.flatMap(bar => [bar.from, bar.to]), low = Math.min(...ends), high = Math.max(...ends), found = [];
    const digits = high / low > 50 ? [1] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) for (const digit of digits) found.push(Number(`${digit}e${power}`));
    const inside = found.filter(tick => tick >= low * .999 && tick <= high * 1.001);
    return inside.length ? inside : null;
  };
  // On a narrow screen a long name takes two lines or more, so that the bars keep half of the width.
  const narrow = () => byId("customer-view").clientWidth < 560;
  const inLines = name => {
    if (!narrow()) return name;
    const pieces = page.lang === "zh" ? [...name] : name.split(" "), space = page.lang === "zh" ? "" : " ", letters = page.lang === "zh" ? 8 : 16, lines = [""];
    for (const piece of pieces) {
      const longer = lines.at(-1) ? lines.at(-1) + space + piece : piece;
      if (longer.length > letters && lines.at(-1)) lines.push(piece); else lines[lines.length - 1] = longer;
    }
    return lines.join("\n");
  };
  const fitted = {
    purchases: (spec, table) => table,
    forecast: (spec, table) => {
      const ends = table.flatMap(row => [row.value, row.low, row.high]).filter(end => end !== null), low = Math.min(0, ...ends), high = Math.max(0, ...ends);
      const room = .12 * (high - low || 1);
      for (const layer of spec.layer) if (layer.encoding.x.scale) layer.encoding.x.scale = {domain: [low < 0 ? low - room : 0, high + room], nice: false};
      return table.map(row => ({...row, name: inLines(row.name)}));
    },
    factors: (spec, table) => {
      const values = ticks(table);
      for (const layer of spec.layer) if (layer.encoding.x.axis && values) layer.encoding.x.axis.values = values;
      const rows = table.map(row => ({...row, name: inLines(row.name)}));
      const lines = Math.max(...rows.map(row => row.name.split("\n").length));
      if (lines > 1) spec.height = {step: 10 + 15 * lines};
      return rows;
    },
  };
  const figure = (name, title, reading, table) => {
    // Its title describes a drawing; what Vega says of its parts is in English.
    const drawn = element("div", {class: "drawn", "aria-hidden": "true"});
    const spec = {...structuredClone(page.specs[name]), description: title};
    spec.datasets = {chosen: fitted[name](spec, table)};
    if (typeof spec.height !== "number") spec.height = spec.height.step * table.length;
    // Expressions are read and not compiled, which the page's own rules forbid.
    vegaEmbed(drawn, spec, {renderer: "svg", actions: false, ast: true, tooltip: false}).catch(error => { drawn.textContent = String(error); });
    return element("figure", {}, element("figcaption", {}, element("b", {}, title), page.joint + reading), element("div", {role: "img", "aria-label": title}, drawn));
  };
  const dates = row => {
    const [at, low, high] = ["next_purchase", "next_purchase_low", "next_purchase_high"].map(name => columns[name] ? columns[name][row] : null);
    if (!columns.next_purchase) return "\u2013";
    if (at === null) return say("no_purchase");
    const between = say(high === null ? "next_or_later" : "next_between", {date: date(at), low: date(low), high: date(high)});
    return page.lang === "zh" ? between.replace(/(\d\u65e5) | (?=\d{4}\u5e74)/g, "$1") : between;
  };
  const segment = row => columns.differs && columns.differs[row]
    ? say("differs", {segment: word("segment", row), stage: word("lifecycle_stage", row)}) : word("segment", row);
  const open = (row, move) => {
    const id = columns.customer_id[row], view = byId("customer-view");
    byId("not-found").hidden = true;
    view.hidden = false;
    const facts = [
      ["rank", say("rank_of", {rank: count(columns.rank[row]), all: count(data.all)})], ["tier", word("tier", row)], ["quadrant", word("quadrant", row)],
      ["lifecycle_stage", word("lifecycle_stage", row)], ["segment", segment(row)],
      ...columns.score && columns.score[row] !== columns.predicted_value[row] ? [["score", money(columns.score[row])]] : [],
      ["predicted_value", say("value_between", {value: money(columns.predicted_value[row]), low: money(columns.predicted_value_low[row]), high: money(columns.predicted_value_high[row])})],
      ["growth_rate", share(columns.growth_rate[row], true)], ["probability_active", chance(columns.probability_active[row])],
      ["probability_core", chance(columns.probability_core[row])],
      ...columns.last_purchase ? [["last_purchase", date(columns.last_purchase[row])]] : [], ["next_purchase", dates(row)],
      ...data.groups.map(name => [name, word(name, row)]),
    ];
    const months = data.months ? purchases(row) : null;
    view.replaceChildren(
      element("h3", {}, id), element("p", {class: "act"}, capital(word("treatment", row))),
      element("dl", {class: "facts"}, ...facts.map(([name, text]) => element("div", {}, element("dt", {}, page.facts[name] || name), element("dd", {}, text)))),
    );
    if (reasons(row).length) view.append(element("h4", {}, say("why")), element("ul", {class: "notes"}, ...reasons(row).map(text => element("li", {}, capital(spaced(text))))));
    const drawn = element("div", {class: "columns"});
    view.append(drawn);
    if (months && months.length) drawn.append(figure("purchases", months.known.length === 1 ? say("purchases_once", {first: months.known[0]})
      : say("purchases_title", {n: count(months.known.length), first: months.known[0], last: months.known.at(-1)}), say("purchases_reading"), months));
    const value = money(columns.predicted_value[row]), past = money(columns.past_value[row]);
    const against = value === past ? "forecast_equal" : columns.predicted_value[row] > columns.past_value[row] ? "forecast_above" : "forecast_below";
    drawn.append(figure("forecast", say(against, {value, past}), [ifBought(row), say("forecast_reading")].join(page.joint).trim(), forecast(row)));
    if (data.themes && !(columns.predicted_value[row] > 0)) view.append(element("p", {}, say("no_product")));
    else if (data.themes) {
      const steps = factors(row), most = steps[1];
      const title = most.kind === "value" ? say("no_factor") : say(most.kind === "up" ? "factor_raises" : "factor_lowers", {factor: most.name, times: most.text});
      view.append(figure("factors", title, say("factors_reading", {value: money(data.typical), money: money(columns.predicted_value[row])}), steps));
    }
    const change = data.what_if ? data.what_if[row] : null;
    view.append(element("h4", {}, say("what_if")), element("p", {}, change ? capital(spaced(change)) : say("what_if_unknown")));
    byId("customer-choice").value = id;
    if (move) { byId("customer").scrollIntoView(); byId("customer-view").focus({preventScroll: true}); }
  };
  byId("customer-find").addEventListener("submit", event => {
    event.preventDefault();
    const wanted = byId("customer-choice").value.trim(), exact = columns.customer_id.indexOf(wanted);
    const row = exact >= 0 || !wanted ? exact : columns.customer_id.findIndex(id => id.toLowerCase().includes(wanted.toLowerCase()));
    byId("not-found").hidden = row >= 0;
    byId("customer-view").hidden = row < 0;
    if (row >= 0) open(row, false);
  });
  for (const link of document.querySelectorAll("[data-customer]")) {
    const row = columns.customer_id.indexOf(link.textContent);
    if (row < 0) continue;
    const button = element("button", {type: "button", class: "link", onclick: () => open(row, true)}, link.textContent);
    link.replaceChildren(button);
  }

  for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;
  if (data.all > size) byId("more-customers").hidden = false;
  refresh();
  open(0, false);
  document.documentElement.dataset.ready = "";
})();
