/* SPDX-License-Identifier: Apache-2.0 */
// Elements, numbers and charts. Text goes into a page as text alone: nothing here reads HTML.

// ---- Elements -------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes))
        node.setAttribute(name, value);
    node.append(...children);
    return node;
}

/** element("td.number", { title: "…" }, "text", child, …) */
export function element(what, attributes = {}, ...children) {
    const [name, ...classes] = what.split(".");
    const node = document.createElement(name);
    if (classes.length > 0)
        node.className = classes.join(" ");
    return fill(node, attributes, children);
}

export function drawing(name, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Changes the page only where the text is another one, so that a selection stays. */
export function setText(node, text) {
    if (node.textContent !== text)
        node.textContent = text;
}

/** A class that is there or not. */
export function setClass(node, name, isThere) {
    node.classList.toggle(name, Boolean(isThere));
}

/**
 * Children of `parent` for `items`, in their order: those with the key of an item that was there
 * before stay, with their focus and what was opened in them.
 */
export function keyed(parent, items, keyOf, make, update) {
    const before = parent.keyedNodes || new Map(), now = new Map();
    let at = parent.firstElementChild;
    for (const item of items) {
        const key = keyOf(item), node = before.get(key) || make(item);
        before.delete(key);
        now.set(key, node);
        update(node, item);
        if (node === at)
            at = at.nextElementSibling;
        else
            parent.insertBefore(node, at);
    }
    for (const node of before.values())
        node.remove();
    parent.keyedNodes = now;
}

/** Buttons in the head of a table sort it: calls `change` after `order.by` and `order.down` have changed. */
export function sortable(table, order, change) {
    for (const head of table.querySelectorAll("th[data-sort]")) {
        head.firstElementChild.addEventListener("click", () => {
            const by = head.dataset.sort;
            order.down = by === order.by ? !order.down : head.classList.contains("number");
            order.by = by;
            for (const other of table.querySelectorAll("th[data-sort]"))
                other.removeAttribute("aria-sort");
            head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
            change();
        });
    }
}

export function sorted(items, order, tie) {
    const compare = (a, b) => typeof a === "string" ? a.localeCompare(b, "en") : (a ?? -1) - (b ?? -1);
    return [...items].sort((a, b) => (order.down ? -1 : 1) * compare(a[order.by], b[order.by])
                                     || compare(a[tie], b[tie]));
}

// ---- Numbers --------------------------------------------------------------------------------

export function count(number) {
    return Math.round(number).toLocaleString("en");
}

export function rate(number) {
    if (number === null || number === undefined)
        return "–";
    return number >= 100 || number === 0 ? count(number) : number.toFixed(number >= 10 ? 1 : 2);
}

export function seconds(time) {
    if (time === null || time === undefined)
        return "–";
    if (time === 0)
        return "0";
    const [value, unit] = time >= 1 ? [time, "s"] : time >= 1e-3 ? [time * 1e3, "ms"] : [time * 1e6, "µs"];
    return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${unit}`;
}

export function bytes(number) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let at = 0;
    for (; number >= 1024 && at < units.length - 1; at++)
        number /= 1024;
    return `${at === 0 || number >= 100 ? number.toFixed(0) : number.toFixed(1)} ${units[at]}`;
}

/** "3 min ago" of seconds. */
export function ago(passed) {
    passed = Math.max(0, passed);
    if (passed < 2)
        return "just now";
    return `${span(passed)} ago`;
}

export function span(passed) {
    if (passed < 60)
        return `${Math.floor(passed)} s`;
    if (passed < 3600)
        return `${Math.floor(passed / 60)} min`;
    if (passed < 2 * 86400)
        return `${Math.floor(passed / 3600)} h`;
    return `${Math.floor(passed / 86400)} days`;
}

/** The local time of seconds since 1970. */
export function clock(time) {
    return new Date(time * 1000).toLocaleTimeString("en-GB");
}

export function date(time) {
    return new Date(time * 1000).toISOString().replace("T", " ").replace(/\.\d+Z/, " UTC");
}

/** As Prometheus does it: linear within a bucket. null: nothing was counted. */
export function quantile(bounds, counts, of) {
    const total = counts.reduce((sum, n) => sum + n, 0);
    let seen = 0;
    if (total <= 0)
        return null;
    for (let i = 0; i < bounds.length; i++) {
        const low = i > 0 ? bounds[i - 1] : 0;
        if (counts[i] > 0 && seen + counts[i] >= of * total)
            return low + (bounds[i] - low) * (of * total - seen) / counts[i];
        seen += counts[i];
    }
    return bounds[bounds.length - 1];
}

// ---- Charts ---------------------------------------------------------------------------------

/** The next of 1, 2, 5, 10, 20, … */
function roundUp(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].map(n => n * power).find(n => n >= value * 0.999);
}

/** Points as a path; it is broken where there is no value. */
function path(points) {
    let text = "", isOn = false;
    for (const [x, y] of points) {
        if (y === null) {
            isOn = false;
            continue;
        }
        text += `${isOn ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
        if (!isOn) // a point alone is seen as well
            text += `h0.01`;
        isOn = true;
    }
    return text;
}

/** A small line without axes. */
export class Spark {
    constructor(parent) {
        this.line = drawing("path", { class: "spark" });
        parent.append(drawing("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" },
                              this.line));
    }

    draw(values) {
        const most = Math.max(...values.map(v => v ?? 0), 1e-9), last = Math.max(values.length - 1, 1);
        this.line.setAttribute("d", path(values.map((v, i) =>
            [i * 100 / last, v === null ? null : 22.5 - 21 * v / most])));
    }
}

const FEW = 60;

/** Values of a scale: its marks, and where between 0 and 1 a value is. */
function linear(most) {
    const step = roundUp((most > 0 ? most : 1) / 4), steps = Math.ceil(most / step - 1e-9) || 4;
    const marks = Array.from({ length: steps + 1 }, (_, i) => step * i);
    return { marks, place: value => Math.min(1, value / (step * steps)) };
}

/** By powers of ten, for what spreads as wide as latency does. */
function logarithmic(values) {
    const there = values.filter(value => value > 0);
    const low = Math.floor(Math.log10(Math.min(...there, 1))), most = Math.max(...there, 10 ** low);
    const high = Math.max(low + 1, Math.ceil(Math.log10(most) - 1e-9)), marks = [];
    for (let power = low; power <= high; power++)
        marks.push(10 ** power);
    return { marks, place: value => Math.min(1, Math.max(0, (Math.log10(Math.max(value, 1e-12)) - low) / (high - low))) };
}

/** Lines over the last minutes: series are { key, label, area }. */
export class Chart {
    constructor(figure, series, format, length, isLogarithmic = false) {
        this.isLogarithmic = isLogarithmic;
        this.series = series;
        this.format = format;
        this.length = length;
        this.samples = [];
        this.caption = element("figcaption");
        this.readings = series.map((one, i) => {
            const value = element("b");
            this.caption.append(element(`span.key.series${i}`, {}, element("i"), `${one.label} `, value));
            return value;
        });
        this.when = element("span.soft");
        this.caption.append(this.when);
        this.svg = drawing("svg", { "aria-hidden": "true" });
        figure.append(this.caption, this.svg);
        this.svg.addEventListener("pointermove", event => this.point(event));
        this.svg.addEventListener("pointerleave", () => { this.pointed = null; this.draw(this.samples); });
        new ResizeObserver(() => this.draw(this.samples)).observe(figure);
    }

    point(event) {
        const box = this.svg.getBoundingClientRect();
        this.pointed = Math.min(1, Math.max(0, (event.clientX - box.left - this.left)
                                               / (box.width - this.left - this.right)));
        this.draw(this.samples);
    }

    /** The scale, with its lines. */
    axes(width, height, scale, length) {
        const nodes = [];
        for (const mark of scale.marks) {
            const at = scale.place(mark), y = this.top + (height - this.top - this.bottom) * (1 - at);
            nodes.push(drawing("line", { x1: this.left, x2: width - this.right, y1: y, y2: y,
                                         class: at === 0 ? "base" : "grid" }),
                       drawing("text", { x: this.left - 8, y: y + 4, "text-anchor": "end" }, this.format(mark).replace(/\.0+(?!\d)/, "")));
        }
        for (const [at, text, anchor] of [[0, `${length / 60} min ago`, "start"], [1, "now", "end"]])
            nodes.push(drawing("text", { x: this.left + (width - this.left - this.right) * at, y: height - 4,
                                         "text-anchor": anchor }, text));
        return nodes;
    }

    /** Samples, the newest last; those before the first one are empty. */
    draw(samples) {
        const length = samples.length <= FEW ? FEW : this.length; // at first there is little to see
        const width = this.svg.clientWidth || 560, height = this.svg.clientHeight || 190;
        [this.left, this.right, this.top, this.bottom] = [58, 6, 8, 22];
        this.samples = samples;
        const values = this.series.flatMap(one => samples.map(s => s[one.key] ?? 0));
        const scale = this.isLogarithmic ? logarithmic(values) : linear(Math.max(0, ...values));
        const floor = height - this.bottom;
        const x = i => this.left + (width - this.left - this.right)
                                   * (length - samples.length + i) / Math.max(1, length - 1);
        const y = value => value === null ? null : floor - (floor - this.top) * scale.place(value);
        const nodes = this.axes(width, height, scale, length);
        this.series.forEach((one, k) => {
            const points = samples.map((s, i) => [x(i), y(s[one.key])]);
            if (one.area && points.length > 1)
                nodes.push(drawing("path", { class: `area series${k}`,
                    d: `${path(points)}L${points.at(-1)[0].toFixed(1)} ${floor}L${points[0][0].toFixed(1)} ${floor}Z` }));
            nodes.push(drawing("path", { class: `line series${k}`, d: path(points) }));
        });
        let at = samples.length - 1;
        if (this.pointed !== null && this.pointed !== undefined && samples.length > 0) {
            at = Math.round(this.pointed * (length - 1)) - (length - samples.length);
            at = Math.min(samples.length - 1, Math.max(0, at));
            nodes.push(drawing("line", { class: "cursor", x1: x(at), x2: x(at), y1: this.top, y2: floor }));
        }
        this.series.forEach((one, k) =>
            setText(this.readings[k], at < 0 ? "–" : this.format(samples[at][one.key])));
        setText(this.when, at < 0 || at === samples.length - 1 ? "" : `at ${clock(samples[at].time)}`);
        this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
        this.svg.replaceChildren(...nodes);
    }
}
