"use strict";
/* Sorting, filtering and the what-if of the page.  Everything can be read without it. */
(() => {
const LEADER = 1, NEVER = 2, ORIGIN = 4, FIXED = 16, WHY_SHIFT = 8;
const TIE_LEADER = 1, TIE_LAST = 2;
const $ = id => document.getElementById(id);
const num = n => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const body = $("tasks") ? $("tasks").tBodies[0] : null;
const model = $("model") ? JSON.parse($("model").textContent) : null;
const rowOf = task => $("t" + task);
const nameOf = r => rowOf(r[0]).querySelector("th").textContent + " (pid " + r[1] + ")";

for (const e of document.querySelectorAll(".script"))
	e.hidden = false;

/* ---- the kernel's arithmetic: points, who is a candidate, ties ---- */

function points(r, adj, k) {
	const flags = r[4];
	if (flags & NEVER)
		return null;
	if (flags & FIXED)
		return r[3];
	if (adj === null || adj === -1000)
		return null;
	let p = r[3] + adj * k;
	if (model.floor !== null && p <= 0)
		p = model.floor;
	if (model.ceiling !== null && p > model.ceiling)
		p = model.ceiling;
	return p;
}

function tieOrder(r, i) {
	if (model.tie === TIE_LAST || (model.tie === TIE_LEADER && !(r[4] & LEADER)))
		return 2 ** 32 - i;
	return i;
}

/* The candidates from the first to the last, then who is none; changes: index of a row -> adjustment. */
function rank(changes, k = model.k) {
	const all = model.rows.map((r, i) => {
		const adj = changes.has(i) ? changes.get(i) : r[2];
		return { r, i, adj, points: points(r, adj, k), first: (r[4] & ORIGIN) !== 0, order: tieOrder(r, i) };
	});
	return all.sort((a, b) => {
		if (a.points === null || b.points === null)
			return (a.points === null) - (b.points === null) || a.i - b.i;
		return b.first - a.first || (a.first ? 0 : b.points - a.points) || a.order - b.order;
	});
}

/* For a test or the console, changes: {pid: adjustment}.  [pid, points or null] in order; and what the page says of it. */
function byPid(changes) {
	const set = new Map();
	model.rows.forEach((r, i) => { if (String(r[1]) in changes) set.set(i, changes[r[1]]); });
	return set;
}
globalThis.oomlensRank = changes => rank(byPid(changes)).map(x => [x.r[1], x.points]);
globalThis.oomlensSay = changes => verdictOf(rank(byPid(changes)), byPid(changes));

/* ---- the table: sort and filter ---- */

function number(text) {
	const m = text.replace(/,/g, "").match(/-?\d+/);
	return m ? Number(m[0]) : -Infinity;
}

/* An opened cell shows its arithmetic as well: the value is its first line. */
function valueOf(row, column) {
	const cell = row.cells[column];
	return (cell.querySelector("summary") || cell).textContent;
}

function sortBy(column, th) {
	const down = th.getAttribute("aria-sort") !== "descending" && th.className === "n" ||
		th.getAttribute("aria-sort") === "ascending";
	const sign = down ? -1 : 1, numeric = th.className === "n";
	const keyed = [...body.rows].map(row => {
		const text = valueOf(row, column);
		return { row, key: numeric ? number(text) : text.toLowerCase() };
	});
	keyed.sort((a, b) => a.key < b.key ? -sign : a.key > b.key ? sign : 0);
	body.append(...keyed.map(k => k.row));
	for (const other of th.parentNode.cells)
		other.removeAttribute("aria-sort");
	th.setAttribute("aria-sort", down ? "descending" : "ascending");
}

function filter(text) {
	const want = text.toLowerCase();
	let shown = 0;
	for (const row of body.rows) {
		const hit = [1, 2, 3].some(c => row.cells[c].textContent.toLowerCase().includes(want));
		row.hidden = !hit;
		shown += hit;
	}
	$("shown").textContent = num(shown) + " of " + num(body.rows.length) + " shown";
}

if (body) {
	[...$("tasks").tHead.rows[0].cells].forEach((th, column) => {
		const button = document.createElement("button");
		button.type = "button";
		button.append(...th.childNodes);
		button.addEventListener("click", () => sortBy(column, th));
		th.append(button);
	});
	$("filter").addEventListener("input", e => filter(e.target.value));
	body.addEventListener("mouseover", e => {
		const cell = e.target.closest("td");
		const how = cell && cell.querySelector("details");
		if (how && !cell.title)
			cell.title = how.lastChild.textContent;
	});
}

/* ---- what if ---- */

const changes = new Map(), originals = new Map();

/* How much the first leads by, at least; null = nobody follows.  false: it is not the first for every size of all memory. */
function margin(order, changes) {
	let least = null;
	for (const k of model.ends || [model.k]) {
		const [best, next] = model.ends ? rank(changes, k) : order;
		if (best.i !== order[0].i)
			return false;
		if (next && next.points !== null && !(best.first && !next.first))
			least = least === null ? best.points - next.points : Math.min(least, best.points - next.points);
	}
	return least;
}

function verdictOf(order, changes) {
	const best = order[0], next = order[1];
	const leads = x => x.points === null ? "" : num(x.points) + (model.mille ? " of 1,000" : " points");
	if (!best || best.points === null)
		return "Nobody is left that may be killed: the kernel would panic, or tasks of the cgroup would wait.";
	const who = nameOf(best.r);
	if (!model.sure || model.open)
		return "By the values shown, " + who + " comes first, with " + leads(best) +
			". Whether the kernel would have chosen it is not certain here.";
	let text = "The kernel would have chosen " + who + ", with " + leads(best);
	if (!next || next.points === null)
		return text + ", the only candidate.";
	if (best.first && !next.first)
		return text + ": it asked to be the first.";
	const lead = margin(order, changes);
	if (lead === false)
		return "It depends on how much memory the kernel counted (totalpages), which the log gives within bounds only: by the value shown, " +
			who + " comes first.";
	if (model.bound !== null && lead <= model.bound)
		return "It is close: " + who + " leads " + nameOf(next.r) + " by " + num(lead) +
			", no more than the counters may have moved (" + num(model.bound) + ").";
	return text + ", " + (model.ends ? "at least " : "") + num(lead) + " more than " + nameOf(next.r) + ".";
}

function showResult() {
	const order = rank(changes);
	const list = [...changes].map(([i, adj]) => nameOf(model.rows[i]) + ": " + model.rows[i][2] + " \u2192 " + adj);
	$("result").textContent = verdictOf(order, changes);
	$("changes").textContent = list.length ? "Changed: " + list.join("; ") : "Nothing is changed.";
	return order;
}

/* A row that was changed and is not any more is the row of before. */
function rowAsItWas(x, changed) {
	const row = rowOf(x.r[0]);
	if (changed && !originals.has(x.i))
		originals.set(x.i, row.cloneNode(true));
	if (changed || !originals.has(x.i))
		return row;
	const before = originals.get(x.i);
	originals.delete(x.i);
	row.replaceWith(before);
	return before;
}

function showRow(x, place) {
	const changed = changes.has(x.i), row = rowAsItWas(x, changed), cells = row.cells;
	const by = {};
	[...$("tasks").tHead.rows[0].cells].forEach((th, i) => { by[th.dataset.col] = cells[i]; });
	by.rank.textContent = x.points === null ? "-" : num(place + 1);
	row.classList.toggle("changed", changed);
	if (!changed)
		return;
	by.adj.textContent = x.adj;
	if (by.part)
		by.part.textContent = num(x.adj * model.k);
	const points = x.points === null ? "-" : num(x.points), how = by.points.querySelector("details");
	if (how) {
		how.firstChild.textContent = points;
		how.lastChild.textContent = x.points === null ? "not a candidate" : num(x.r[3]) + " without adjustment, adj " +
			x.adj + (model.mille ? "" : " \u00d7 " + num(model.k)) + " = " + points;
	} else {
		by.points.textContent = points;
	}
	by.points.removeAttribute("title");
	if (!(x.r[4] & NEVER))
		by.note.textContent = x.points === null ? "oom_score_adj -1000 forbids it" : "changed here";
}

function showAll() {
	showResult().forEach(showRow);
	const th = [...$("tasks").tHead.rows[0].cells].find(c => c.dataset.col === "points");
	th.removeAttribute("aria-sort");
	sortBy(th.cellIndex, th);
}

function pick(task) {
	const i = model.rows.findIndex(r => r[0] === task);
	if (i < 0)
		return;
	if (![...$("who").options].some(o => o.value === String(i)))
		$("who").add(new Option(nameOf(model.rows[i]), String(i)));
	$("who").value = String(i);
	showPicked();
	$("adj").focus();
	$("whatif").scrollIntoView({ block: "nearest" });
}

function showPicked() {
	const i = Number($("who").value), adj = changes.has(i) ? changes.get(i) : model.rows[i][2];
	$("adj").value = $("drag").value = adj === null ? 0 : adj;
}

function change(value, done) {
	const i = Number($("who").value), adj = Math.max(-1000, Math.min(1000, Math.round(Number(value))));
	if (value === "" || Number.isNaN(adj))
		return;
	if (adj === model.rows[i][2])
		changes.delete(i);
	else
		changes.set(i, adj);
	if (done)
		showAll();
	else
		showResult();
}

if (model && body) {
	rank(changes).slice(0, 40).forEach(x => $("who").add(new Option(nameOf(x.r), String(x.i))));
	$("who").addEventListener("change", showPicked);
	for (const [from, to] of [["adj", "drag"], ["drag", "adj"]]) {
		$(from).addEventListener("input", e => { $(to).value = e.target.value; change(e.target.value, false); });
		$(from).addEventListener("change", e => change(e.target.value, true));
	}
	$("reset").addEventListener("click", () => {
		changes.clear();
		showPicked();
		showAll();
	});
	body.addEventListener("click", e => {
		const cell = e.target.closest("td");
		const heading = cell && $("tasks").tHead.rows[0].cells[cell.cellIndex];
		if (heading && heading.dataset.col === "adj")
			pick(Number(cell.parentNode.id.slice(1)));
	});
	/* without a mouse: the opened arithmetic has a button */
	body.addEventListener("toggle", e => {
		const row = e.target.closest("tr");
		if (!e.target.open || row.querySelector("td button"))
			return;
		const button = document.createElement("button");
		button.type = "button";
		button.textContent = "what if?";
		button.addEventListener("click", () => pick(Number(row.id.slice(1))));
		e.target.parentNode.append(button);
	}, true);
	showPicked();
	showResult();
}
})();
