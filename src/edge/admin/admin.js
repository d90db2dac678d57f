/* SPDX-License-Identifier: Apache-2.0 */
// Asks for /api/state once a second and shows it. Counters there only rise: rates are differences.

import { element, drawing, setText, setClass, keyed, sortable, sorted, count, rate, seconds, bytes, ago, span,
         clock, date, quantile, Spark, Chart } from "/admin_parts.js";
import { COUNTRIES, COLUMNS, ROWS, LABELS } from "/admin_world.js";

const API = 1, EVERY_MS = 1000, HISTORY = 300, WINDOW = 10;
const $ = id => document.getElementById(id);
const shown = { state: null, history: [], snapshots: [], last: 0, isPaused: false };

// ---- What happens at the top ----------------------------------------------------------------

const tiles = {};

function makeTile(key, name) {
    const tile = element("div.card.tile", { id: `tile-${key}` }, element("div.name", {}, name));
    tiles[key] = { value: element("div.value"), more: element("div.more") };
    tile.append(tiles[key].value, tiles[key].more);
    tiles[key].spark = new Spark(tile);
    $("tiles").append(tile);
}

for (const [key, name] of [["requests", "Requests"], ["errors", "Errors (5xx)"], ["p99", "Latency"],
                           ["memory_bytes", "Memory"], ["cpu", "CPU"], ["connections", "Connections"]])
    makeTile(key, name);
const charts = [
    new Chart($("rate"), [{ key: "requests", label: "requests", area: true }, { key: "errors", label: "errors (5xx)" }],
              rate, HISTORY),
    new Chart($("latency"), [{ key: "p50", label: "median" }, { key: "p99", label: "p99" }], seconds, HISTORY, true),
];

/** The mean over the last seconds of what is not null. */
function recent(key, length = 5) {
    const values = shown.history.slice(-length).map(s => s[key]).filter(v => v !== null);
    return values.length > 0 ? values.reduce((sum, v) => sum + v, 0) / values.length : null;
}

function showTile(key, value, more, isBad = false) {
    setText(tiles[key].value, value);
    setText(tiles[key].more, more);
    setClass(tiles[key].value, "bad", isBad);
    tiles[key].spark.draw(shown.history.slice(-120).map(s => s[key]));
}

function showNow(state) {
    const total = state.routes.reduce((sum, r) => sum + requestsOf(r), 0);
    const now = recent("requests"), errors = recent("errors"), server = state.server;
    showTile("requests", `${rate(now)}/s`, `${count(total)} since start`);
    showTile("errors", `${rate(errors)}/s`, now > 0 ? `${(100 * errors / now).toFixed(1)} % of requests` : "no requests now",
             errors > 0);
    showTile("p99", seconds(recent("p99")), `p99; median ${seconds(recent("p50"))}`);
    showTile("memory_bytes", bytes(server.memory_bytes), "resident");
    showTile("cpu", (recent("cpu") ?? 0).toFixed(2), `cores; ${server.workers} workers`);
    showTile("connections", count(server.connections.open), `${count(server.connections.requests)} requests in flight`);
    for (const chart of charts)
        chart.draw(shown.history);
}

function showHeader(state) {
    const server = state.server, down = state.components.filter(c => !c.up).length;
    const name = server.application || "Stint";
    setText($("application"), name);
    if (document.title !== `${name} – Stint`)
        document.title = `${name} – Stint`;
    const parts = [`Stint ${server.stint}`, `up ${span(state.now - server.started)}`];
    if (server.application_version !== "")
        parts.unshift(`version ${server.application_version}`);
    if (server.region !== "")
        parts.push(`region ${server.region}`);
    setText($("about"), parts.join(" · "));
    setText($("ready"), server.draining ? "◐ ending" : down > 0 ? `▲ ${down} down` : "● ready");
    $("ready").className = `pill ${server.draining || down > 0 ? "bad" : "good"}`;
}

// ---- Components -----------------------------------------------------------------------------

const componentOrder = { by: "id", down: false };
const opened = new Set();

function requestsOf(route) {
    return Object.values(route.codes).reduce((sum, n) => sum + n, 0);
}

function errorsOf(route) {
    return Object.entries(route.codes).reduce((sum, [code, n]) => sum + (code >= "500" ? n : 0), 0);
}

/** Keeps the counters of some seconds, so that a rate is not that of the last second alone. */
function remember(state) {
    const routes = new Map();
    for (const route of state.routes)
        routes.set(`${route.component}\n${route.route}`, route);
    shown.snapshots.push({ now: state.now, routes });
    if (shown.snapshots.length > WINDOW + 1)
        shown.snapshots.shift();
}

/** What a list of routes did over those seconds. */
function rates(state, routes) {
    const first = shown.snapshots[0], passed = state.now - first.now;
    const counts = state.bounds.concat(0).map(() => 0);
    let requests = 0, errors = 0;
    for (const route of routes) {
        const before = first.routes.get(`${route.component}\n${route.route}`);
        requests += requestsOf(route) - (before ? requestsOf(before) : 0);
        errors += errorsOf(route) - (before ? errorsOf(before) : 0);
        route.duration.counts.forEach((n, i) => {
            counts[i] += n - (before ? before.duration.counts[i] : 0);
        });
    }
    return { rate: passed > 0 ? requests / passed : null, errors: passed > 0 ? errors / passed : null,
             p50: quantile(state.bounds, counts, 0.5), p99: quantile(state.bounds, counts, 0.99) };
}

function makeMeter() {
    const busy = drawing("rect", { class: "busy", x: 0, y: 0, height: 1 });
    const idle = drawing("rect", { class: "idle", y: 0, height: 1 });
    return element("span.meter", { "aria-hidden": "true" },
                   drawing("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none" }, idle, busy));
}

function makeComponent(row) {
    const button = element("button.name-button", { type: "button", "aria-expanded": "false" }, row.id);
    const cells = ["td", "td", "td.number", "td.number", "td.number", "td.number", "td.instances", "td.number", "td.mono"]
        .map(what => element(what));
    const body = element("tbody", {}, element("tr", {}, ...cells));
    cells[0].append(button);
    cells[1].append(element("span.state"));
    cells[6].append(makeMeter(), element("span"));
    button.addEventListener("click", () => {
        if (!opened.delete(row.id))
            opened.add(row.id);
        showComponents(shown.state);
    });
    return body;
}

function stateOf(component) {
    if (!component.up)
        return ["▲ down", "bad"];
    return component.machine_code ? ["● up", "good"] : ["● up, interpreted", "slow"];
}

function updateComponent(body, row) {
    const cells = body.firstElementChild.children, { busy, idle, max } = row.instances;
    const isOpen = opened.has(row.id), [text, kind] = stateOf(row), total = Math.max(1, max, busy + idle);
    cells[0].firstElementChild.setAttribute("aria-expanded", String(isOpen));
    setText(cells[1].firstElementChild, text);
    cells[1].firstElementChild.className = `state ${kind}`;
    [rate(row.rate), rate(row.errors), seconds(row.p50), seconds(row.p99)]
        .forEach((value, i) => setText(cells[i + 2], value));
    setClass(cells[3], "bad", row.errors > 0);
    const [idleBar, busyBar] = cells[6].querySelectorAll("rect");
    busyBar.setAttribute("width", String(busy / total));
    idleBar.setAttribute("x", String(busy / total));
    idleBar.setAttribute("width", String(idle / total));
    setText(cells[6].lastElementChild, `${count(busy)} busy, ${count(idle)} idle of ${count(max)}`);
    setText(cells[7], busy > 0 ? bytes(row.memory) : "–");
    setText(cells[8], row.sha256.slice(0, 12) || "–");
    if (!isOpen) {
        while (body.children.length > 1)
            body.lastElementChild.remove();
        return;
    }
    if (body.children.length === 1)
        body.append(makeDetails());
    updateDetails(body.lastElementChild.firstElementChild, row);
}

function makeDetails() {
    const head = ["Route", "Requests/s", "Requests", "Errors", "p50", "p99"].map((name, i) =>
        element(i > 0 ? "th.number" : "th", {}, name));
    return element("tr.details", {}, element("td", { colspan: "9" }, element("dl"),
        element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody"))));
}

/** Rows of names and values. */
function showPairs(list, pairs) {
    keyed(list, pairs.flatMap(([name, value]) => [{ key: `t${name}`, tag: "dt", text: name },
                                                   { key: `d${name}`, tag: "dd", text: value }]),
          item => item.key, item => element(item.tag), (node, item) => setText(node, item.text));
}

function limitsOf(limits) {
    const texts = [];
    for (const [name, what, format] of [["memory_bytes", "memory", bytes], ["concurrency", "at a time", count],
             ["timeout_ms", "time", ms => seconds(ms / 1000)], ["cpu_ms", "CPU", ms => seconds(ms / 1000)],
             ["fuel", "fuel", count], ["request_bytes", "request", bytes], ["response_bytes", "response", bytes]]) {
        if (limits[name] !== null)
            texts.push(`${what} ${format(limits[name])}`);
    }
    return texts.join(", ") || "none";
}

/** "http 12 (2xx 10, refused 2)", for each kind of call that guests made. */
function callsOf(routes) {
    const kinds = {};
    for (const route of routes) {
        for (const [kind, outcomes] of Object.entries(route.calls)) {
            for (const [outcome, number] of Object.entries(outcomes)) {
                kinds[kind] = kinds[kind] || {};
                kinds[kind][outcome] = (kinds[kind][outcome] || 0) + number;
            }
        }
    }
    return Object.entries(kinds).map(([kind, outcomes]) => {
        const total = Object.values(outcomes).reduce((sum, number) => sum + number, 0);
        const parts = Object.entries(outcomes).map(([outcome, number]) => `${outcome} ${count(number)}`);
        return `${kind} ${count(total)} (${parts.join(", ")})`;
    }).join("; ");
}

function updateDetails(cell, row) {
    const pairs = [["Source", `${row.source}${row.bytes > 0 ? ` (${bytes(row.bytes)})` : ""}`]];
    if (!row.up)
        pairs.unshift([`Problem ${row.problem_id}`, row.problem]);
    if (row.sha256 !== "")
        pairs.push(["SHA-256", row.sha256]);
    if (row.machine_code_refused)
        pairs.push(["Machine code", `not used: ${row.machine_code_refused}`]);
    pairs.push(["Limits", limitsOf(row.limits)],
               ["Instances", `${count(row.instances.starts)} starts, ${count(row.instances.cold_starts)} of them cold`]);
    const calls = callsOf(row.routes);
    if (calls !== "")
        pairs.push(["Outbound requests", calls]);
    showPairs(cell.firstElementChild, pairs);
    cell.lastElementChild.hidden = row.routes.length === 0;
    keyed(cell.lastElementChild.lastElementChild, row.routes, route => route.route,
          () => element("tr", {}, element("td"), ...[1, 2, 3, 4, 5].map(() => element("td.number"))),
          (line, route) => {
              const own = rates(shown.state, [route]);
              [route.route || "(none)", rate(own.rate), count(requestsOf(route)), count(errorsOf(route)),
               seconds(own.p50), seconds(own.p99)].forEach((text, i) => setText(line.children[i], text));
          });
}

function showComponents(state) {
    const byComponent = Map.groupBy ? Map.groupBy(state.routes, r => r.component) : group(state.routes);
    const wanted = $("filter").value.trim().toLowerCase();
    const rows = state.components.map(component => {
        const routes = byComponent.get(component.id) || [];
        return { ...component, routes, ...rates(state, routes), busy: component.instances.busy,
                 memory: component.instances.memory_bytes, state: stateOf(component)[0], digest: component.sha256 };
    });
    const found = rows.filter(row => row.id.toLowerCase().includes(wanted));
    keyed($("components"), [{ head: true }, ...sorted(found, componentOrder, "id")], row => row.head ? " head" : row.id,
          row => row.head ? $("components").tHead : makeComponent(row),
          (node, row) => row.head || updateComponent(node, row));
    const up = rows.filter(row => row.up).length;
    setText($("component-count"), rows.length === up ? `${count(up)}` : `${count(up)} of ${count(rows.length)} up`);
    $("filter").hidden = rows.length < 6;
    $("components").hidden = found.length === 0;
    $("no-components").hidden = found.length > 0;
    setText($("no-components"), rows.length > 0 ? "No component has such a name." : "The application has no components.");
}

function group(routes) {
    const groups = new Map();
    for (const route of routes)
        groups.set(route.component, [...(groups.get(route.component) || []), route]);
    return groups;
}

sortable($("components"), componentOrder, () => showComponents(shown.state));
$("filter").addEventListener("input", () => showComponents(shown.state));

// ---- The world ------------------------------------------------------------------------------

const SQUARE = 10, CLASSES = 6;
const countryOrder = { by: "count", down: true };
const squares = new Map();

function makeMap() {
    const map = $("map");
    map.setAttribute("viewBox", `0 0 ${COLUMNS * SQUARE} ${ROWS * SQUARE}`);
    for (const label of LABELS)
        map.append(drawing("text", { class: "continent", x: label.column * SQUARE, y: label.row * SQUARE + 4 }, label.text));
    for (const country of COUNTRIES.values()) {
        const x = country.column * SQUARE, y = country.row * SQUARE;
        const square = drawing("g", { role: "img", "data-code": country.code, tabindex: country.code === "US" ? "0" : "-1" },
            drawing("rect", { x: x + 0.6, y: y + 0.6, width: SQUARE - 1.2, height: SQUARE - 1.2, rx: 1.6 }),
            drawing("text", { class: "code", x: x + SQUARE / 2, y: y + 6.5 }, country.code));
        square.addEventListener("pointerenter", () => showTip(square, country));
        square.addEventListener("pointerleave", hideTip);
        square.addEventListener("focus", () => showTip(square, country));
        square.addEventListener("blur", hideTip);
        squares.set(country.code, square);
        map.append(square);
    }
    map.setAttribute("role", "group");
    map.addEventListener("keydown", onMapKey);
}

/** Arrows lead to the next square that way; Tab sees one square alone. */
function onMapKey(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const from = COUNTRIES.get(document.activeElement.dataset.code);
    let best = null, least = Infinity;
    if (!way || !from)
        return;
    event.preventDefault();
    for (const country of COUNTRIES.values()) {
        const dx = country.column - from.column, dy = country.row - from.row;
        const ahead = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (ahead > 0 && ahead + 3 * aside < least)
            [best, least] = [country, ahead + 3 * aside];
    }
    if (best === null)
        return;
    squares.get(from.code).setAttribute("tabindex", "-1");
    squares.get(best.code).setAttribute("tabindex", "0");
    squares.get(best.code).focus();
}

function showTip(square, country) {
    const box = square.getBoundingClientRect(), tip = $("tip");
    const number = shown.state ? shown.state.countries[country.code] || 0 : 0;
    setText(tip, `${country.name}: ${count(number)}`);
    tip.hidden = false;
    const left = Math.min(window.innerWidth - tip.offsetWidth - 6, box.left + box.width / 2 - tip.offsetWidth / 2);
    tip.style.left = `${Math.max(6, left)}px`;
    tip.style.top = `${box.top - tip.offsetHeight - 6 < 0 ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
}

function hideTip() {
    $("tip").hidden = true;
}

/** Lower bounds of the classes, evenly on a logarithmic scale: of most requests, each country has few. */
function classesOf(most) {
    const bounds = [1];
    for (let i = 1; i < CLASSES; i++) {
        const bound = most ** (i / CLASSES), power = 10 ** Math.floor(Math.log10(bound));
        const round = Math.ceil(bound / power) * power;
        if (round > bounds.at(-1) && round <= most)
            bounds.push(round);
    }
    return bounds;
}

/** Few classes are spread over the scale, so that the largest is always the strongest colour. */
function classOf(bounds, number) {
    const at = bounds.filter(bound => number >= bound).length;
    return at === 0 ? 0 : bounds.length === 1 ? 4 : 1 + Math.round((at - 1) * (CLASSES - 1) / (bounds.length - 1));
}

function showMap(state) {
    const known = Object.entries(state.countries).filter(([code]) => COUNTRIES.has(code));
    const bounds = classesOf(Math.max(1, ...known.map(([, n]) => n)));
    for (const [code, square] of squares) {
        const number = state.countries[code] || 0;
        const kind = `q${classOf(bounds, number)}`;
        if (square.getAttribute("class") !== kind)
            square.setAttribute("class", kind);
        square.setAttribute("aria-label", `${COUNTRIES.get(code).name}: ${count(number)}`);
    }
    const keys = [{ kind: "q0", text: "none" }];
    bounds.forEach((bound, i) => {
        const last = i + 1 < bounds.length ? bounds[i + 1] - 1 : null;
        keys.push({ kind: `q${classOf(bounds, bound)}`,
                    text: last === null ? `${count(bound)} or more` : last === bound ? count(bound)
                          : `${count(bound)}–${count(last)}` });
    });
    keyed($("legend"), known.length > 0 ? keys : [], key => key.kind, key => element("span", {}, element(`i.${key.kind}`), element("span")),
          (node, key) => setText(node.lastElementChild, key.text));
}

function showCountries(state) {
    const total = Object.values(state.countries).reduce((sum, n) => sum + n, 0);
    const rows = Object.entries(state.countries).map(([code, number]) => {
        const country = COUNTRIES.get(code);
        return { code, count: number, name: country ? country.name : code === "unknown" ? "Unknown" : `Code ${code}`,
                 continent: country ? country.continent : "–" };
    });
    showMap(state);
    keyed($("countries").tBodies[0], sorted(rows, countryOrder, "name"), row => row.code,
          () => element("tr", {}, element("td"), element("td"), element("td.number"), element("td.number")),
          (line, row) => [row.name, row.continent, count(row.count), `${(100 * row.count / total).toFixed(1)} %`]
              .forEach((text, i) => setText(line.children[i], text)));
    $("countries").hidden = rows.length === 0;
    $("no-countries").hidden = rows.length > 0;
    const places = rows.filter(row => row.code !== "unknown").length;
    setText($("world-note"), state.geo.length === 0 ? "without a geo database all are unknown"
            : `${count(places)} ${places === 1 ? "country" : "countries"} since start`);
}

makeMap();
sortable($("countries"), countryOrder, () => showCountries(shown.state));

// ---- What happened --------------------------------------------------------------------------

function makeFailure(failure) {
    const summary = element("summary", {}, element("time", { title: date(failure.time) }), element("b", {}, failure.component),
        element("span.tag.bad", {}, failure.kind), element("span.message", {}, failure.message));
    const list = element("dl", {}, element("dt", {}, "Request"), element("dd.mono", {}, failure.request),
        element("dt", {}, "Route"), element("dd.mono", {}, failure.route || "–"),
        element("dt", {}, "Time"), element("dd", {}, date(failure.time)));
    const details = element("details", {}, summary);
    if (failure.backtrace !== "")
        details.append(element("pre", { tabindex: "0", role: "region", "aria-label": "Backtrace" }, failure.backtrace.replace(/\n$/, "")));
    details.append(list);
    return details;
}

function showFailures(state) {
    keyed($("failures"), state.failures, failure => failure.number, makeFailure,
          (details, failure) => setText(details.querySelector("time"), clock(failure.time)));
    $("no-failures").hidden = state.failures.length > 0;
    setText($("failure-count"), state.failure_count > state.failures.length
            ? `the last ${state.failures.length} of ${count(state.failure_count)}`
            : state.failure_count > 0 ? count(state.failure_count) : "");
}

function makeVersion() {
    return element("li", {}, element("div.head", {}, element("b"), element("span.tag"), element("span.soft")),
                   element("div.text"));
}

function updateVersion(line, version, state, current) {
    const [name, tag, when] = line.firstElementChild.children, isCurrent = version === current;
    setText(name, version.number === null ? "Reload failed" : `Version ${version.number}`);
    name.className = version.number === null ? "bad" : "";
    tag.className = `tag ${version.number === null ? "bad" : isCurrent ? "good" : ""}`;
    setText(tag, version.number === null ? "not served" : isCurrent ? "serving"
            : `${version.components} component${version.components === 1 ? "" : "s"}`);
    setText(when, `${date(version.time)}, ${ago(state.now - version.time)}`);
    const texts = [version.text.trim()];
    if (version.number !== null && texts[0] === "")
        texts[0] = version.number === 1 ? "the first one since the server began" : "no component changed";
    if (version.down > 0)
        texts.push(`${version.down} of ${version.components} components down`);
    setText(line.lastElementChild, texts.join("; "));
}

function showVersions(state) {
    const current = state.versions.find(version => version.number !== null);
    keyed($("versions"), state.versions, version => version.time, makeVersion,
          (line, version) => updateVersion(line, version, state, current));
}

const MEANINGS = { timeout: "time", fuel: "CPU time or fuel", memory: "memory", instances: "instances",
                   concurrency: "concurrency", rate: "rate of a client", request_size: "size of a request",
                   response_size: "size of a response", log_size: "size of logs" };

function showLimits(state) {
    const rows = [];
    for (const route of state.routes) {
        const met = { ...route.limits };
        for (const kind of ["timeout", "fuel", "memory", "instances"]) {
            if (route.failures[kind])
                met[kind] = route.failures[kind];
        }
        for (const [limit, number] of Object.entries(met))
            rows.push({ component: route.component, route: route.route, limit: MEANINGS[limit] || limit, number });
    }
    keyed($("limits").tBodies[0], rows, row => `${row.component}\n${row.route}\n${row.limit}`,
          () => element("tr", {}, element("td"), element("td.mono"), element("td"), element("td.number")),
          (line, row) => [row.component, row.route, row.limit, count(row.number)]
              .forEach((text, i) => setText(line.children[i], text)));
    $("limits").hidden = rows.length === 0;
    $("no-limits").hidden = rows.length > 0;
}

function showServer(state) {
    const server = state.server, connections = server.connections;
    keyed($("listeners"), server.listeners, l => l.address, () => element("li", {}, element("span.mono")),
          (line, listener) => {
              setText(line.firstElementChild, `http${listener.tls ? "s" : ""}://${listener.address}`);
              keyed(line, [{ self: true }, ...["TLS", "PROXY"].filter((_, i) => [listener.tls, listener.proxy_protocol][i])],
                    item => item.self ? "" : item, item => item.self ? line.firstElementChild : element("span.tag", {}, item),
                    () => {});
          });
    showPairs($("connections"), [["Open", `${count(connections.open)}, ${count(connections.idle)} of them idle`],
        ["Accepted", count(connections.accepted)], ["Refused requests", count(connections.refused)],
        ["Closed for being slow", count(connections.slow)],
        ["TLS handshakes", `${count(connections.tls_handshakes)}, ${count(connections.tls_failures)} failed`],
        ["Received, sent", `${bytes(connections.received_bytes)}, ${bytes(connections.sent_bytes)}`]]);
    showPairs($("process"), [["Id", String(server.pid)], ["Started", date(server.started)],
        ["Application", server.manifest], ["CPU time", seconds(server.cpu_seconds)],
        ["Lost lines of logs", count(server.log_lost)]]);
    keyed($("geo"), state.geo, file => file.path, () => element("li"),
          (line, file) => setText(line, `${file.path}, of ${date(file.built).slice(0, 10)}` +
                                        (file.failures > 0 ? `; ${file.failures} reloads failed` : "")));
    $("no-geo").hidden = state.geo.length > 0;
}

// ---- Asking ---------------------------------------------------------------------------------

function show(state) {
    if (shown.state && shown.state.server.started !== state.server.started)
        shown.snapshots.length = shown.history.length = 0; // it is another process
    shown.state = state;
    shown.history.push(...state.history);
    shown.history.splice(0, shown.history.length - HISTORY);
    shown.last = state.history_last;
    remember(state);
    showHeader(state);
    showNow(state);
    showComponents(state);
    showCountries(state);
    showFailures(state);
    showVersions(state);
    showLimits(state);
    showServer(state);
    $("page").hidden = $("pause").hidden = false;
    $("login").hidden = true;
    warn("");
}

function warn(text) {
    $("offline").hidden = text === "";
    setText($("offline"), text);
    setClass($("page"), "old", text !== "");
}

function askForToken(wasGiven) {
    sessionStorage.removeItem("token");
    $("page").hidden = $("pause").hidden = true;
    warn("");
    setText($("refused"), wasGiven ? "That is not the token." : "");
    if ($("login").hidden) {
        $("login").hidden = false;
        $("token").focus();
    }
}

/** True: it goes on by itself. */
async function ask() {
    const token = sessionStorage.getItem("token");
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const answer = await fetch(`/api/state?since=${shown.last}`, { headers, cache: "no-store" });
    if (answer.status === 401) {
        askForToken(token !== null);
        return false;
    }
    if (!answer.ok)
        throw new Error(`it answers ${answer.status}`);
    const state = await answer.json();
    if (state.api !== API)
        throw new Error("it is another version of Stint now: load this page again");
    if (state.history_last < shown.last) { // it began anew
        shown.last = 0;
        shown.history.length = 0;
    }
    show(state);
    return true;
}

let timer = 0;

async function tick() {
    let goesOn = true;
    clearTimeout(timer);
    try {
        if (!document.hidden && !shown.isPaused)
            goesOn = await ask();
    } catch (error) {
        if (shown.state === null || !shown.state.server.draining)
            console.info(error.message);
        const since = shown.state ? ` What is shown is of ${clock(shown.state.now)}.` : "";
        warn(`The server does not answer (${error.message}).${since}`);
    }
    clearTimeout(timer);
    if (goesOn)
        timer = setTimeout(tick, EVERY_MS);
}

$("login").addEventListener("submit", event => {
    event.preventDefault();
    sessionStorage.setItem("token", $("token").value.trim());
    $("token").value = "";
    tick();
});
$("pause").addEventListener("click", () => {
    shown.isPaused = !shown.isPaused;
    $("pause").setAttribute("aria-pressed", String(shown.isPaused));
    setText($("pause"), shown.isPaused ? "Go on" : "Pause");
    if (!shown.isPaused)
        tick();
});
document.addEventListener("visibilitychange", () => {
    if (!document.hidden && $("login").hidden)
        tick();
});
tick();
