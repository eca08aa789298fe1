/** The history: thumbnails, filters, pages, and a zip of what is shown. */
import { call, json, local } from './api.js';
import { $, make, show } from './dom.js';
import { Picture } from './picture.js';
import { judge, saying } from './verdict.js';
import { t } from './more-words.js';
import { MAX_FILES, zip } from './zip.js';

/** A page, and the query of the next. */
export async function listed(query) {
	const page = await json(`uploads${query}`);
	return { ...page, next: page.next?.replace(/.*\?/, '?') };
}

let latest; // Of the lists that were asked for.

export async function list(query = `?limit=24&total=true${$.filter.value}`) {
	const mine = (latest = {});
	const page = await listed(query).catch(({ message }) => ({ uploads: [], words: message }));
	if (mine !== latest) return;
	if (!query.includes('cursor')) $.cards.replaceChildren();
	$.cards.append(...page.uploads.map(card));
	$.count.textContent = page.total ?? '';
	$.empty.textContent = page.words ?? (page.total ? '' : t('nothing'));
	show(page.next, $.more);
	$.more.onclick = () => list(page.next);
	show(page.total, $.download);
}

function card(upload) {
	const image = make('img', { src: local(upload.links.image), alt: '', loading: 'lazy' });
	image.onerror = () => Object.assign(image, { src: local(upload.links.preview), onerror: null });
	const words = make('span', { className: judge(upload).level }, saying(upload));
	const button = make('button', { ariaLabel: `${$.discard.textContent} ${saying(upload)}` }, '×');
	button.onclick = async () => (await new Picture(upload).discard()) && list();
	return make('li', {}, make('a', { href: `#upload=${upload.id}` }, image, words), button);
}

/** The pictures, and a row for each that was corrected, as in digits/uploads/export/labels.py. */
async function* pack(query) {
	const rows = ['file,label\n'];
	let [count, missing] = [0, 0];
	while (query) {
		const page = await listed(query);
		if (page.total >= MAX_FILES) throw new Error(t('useExport'));
		for (const { id, image, label } of page.uploads) {
			const response = await call(`uploads/${id}/image`).catch(skipIfGone);
			if (!response) {
				missing += 1;
				continue;
			}
			const name = `uploads/${id}.${image.format.toLowerCase()}`;
			yield [name, await response.blob()];
			if (label != null) rows.push(`${name},${label.replaceAll('\n', '\\n')}\n`);
			$.download.textContent = count += 1;
		}
		query = page.next;
	}
	yield ['labels.csv', new Blob(rows)];
	if (missing) $.empty.textContent = t('missing', missing);
}

function skipIfGone(problem) {
	if (problem.status !== 404) throw problem;
}

$.download.onclick = async () => {
	const words = $.download.textContent;
	$.download.disabled = true;
	try {
		const href = URL.createObjectURL(await zip(pack(`?limit=100&total=true${$.filter.value}`)));
		make('a', { href, download: 'digits.zip' }).click();
		setTimeout(URL.revokeObjectURL, 60_000, href);
	} catch ({ message }) {
		$.empty.textContent = message;
	}
	Object.assign($.download, { textContent: words, disabled: false });
};

$.past.textContent = $.toHistory.textContent;
$.filter.onchange = () => list();
$.filter.append(...Array.from('0123456789', (digit) => make('option', { value: `&digit=${digit}` }, digit)));
