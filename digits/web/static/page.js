/** Views, and what comes in. */
import { json, limits } from './api.js';
import { current, look, refresh } from './answer.js';
import { $, show } from './dom.js';
import { keepDrawing, putAway } from './drawing.js';
import { freshPaper, undo } from './paper.js';
import { emptyTray, open, take } from './queue.js';
import { stopWriting } from './samples.js';
import { t, translate } from './words.js';

let view;
let memory = {};
try {
	memory = localStorage;
} catch {} // Forbidden by the browser.

async function route() {
	const before = view;
	let id;
	[, view, id] = location.hash.match(/^#(history|review|upload)=?([0-9a-f-]*)$/) ?? [];
	document.body.className = view;
	show(view !== 'history', $.write);
	show(view === 'history', $.history);
	show(view === 'review', $.left, $.right, $.skip);
	for (const link of $.views.children) link.ariaCurrent = link.hash === location.hash ? 'page' : null;
	stopWriting();
	if (view === 'history') {
		await keepDrawing();
		(await import('./history.js')).list();
	} else if (view || before === 'review') startAfresh();
	if (view === 'review') (await import('./review.js')).review();
	if (view === 'upload') json(`uploads/${id}`).then(open, (problem) => look({ problem, retry: route }));
}

function startAfresh() {
	stopWriting();
	putAway();
	emptyTray();
	freshPaper();
	look();
}

/** The address leads nowhere any more. */
function leave() {
	history.replaceState(null, '', location.pathname + location.search);
	if (view) route();
}

function receive({ files }) {
	if (!files.length) return;
	leave();
	startAfresh();
	take([...files]);
}

$.paper.addEventListener('begin', () => {
	leave();
	emptyTray();
});
$.clear.onclick = () => {
	leave();
	startAfresh();
};
for (const label of [$.choose, $.photo]) {
	label.onchange = ({ target }) => {
		receive(target);
		target.value = ''; // The same file may be chosen again.
	};
}
document.onpaste = ({ clipboardData }) => receive(clipboardData);
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
	event.preventDefault();
	receive(event.dataTransfer);
};
document.addEventListener('keydown', (event) => {
	if (!(event.ctrlKey || event.metaKey) || event.key !== 'z' || event.target === $.label) return;
	event.preventDefault();
	undo();
});

$.discard.onclick = async () => {
	if (!(await current().discard())) return;
	if (view === 'review') (await import('./review.js')).advance();
	else startAfresh();
};
$.keep.onclick = () => current().settle();
$.share.onclick = async () => (await import('./share.js')).share(current());
$.keeps.onchange = () => {
	memory.keeps = $.keeps.checked;
	$.kept.textContent = t($.keeps.checked ? 'keeping' : 'forgetting');
	refresh(current());
};

translate();
$.keeps.checked = memory.keeps !== 'false';
$.keeps.onchange();
freshPaper();
addEventListener('hashchange', route);
route();
look();
Object.assign(limits, (await json('model').catch(() => ({}))).limits);
