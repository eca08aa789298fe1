/** The history: thumbnails, filters, pages, and a zip of what is shown. */
import { call, json } from './api.js';
import { $, make, show } from './dom.js';
import { Picture } from './picture.js';
import { judge, saying } from './verdict.js';
import { t } from './more-words.js';
import { zip } from './zip.js';

/** A page, and the query of the next. */
export async function listed(query) {
	const page = await json(`uploads${query}`);
	return { ...page, next: page.next?.replace(/.*\?/, '?') };
}

export async function list(query = `?limit=24&total=true${$.filter.value}`) {
	const page = await listed(query).catch(({ message }) => ({ uploads: [], words: message }));
	if (!query.includes('cursor')) $.cards.replaceChildren();
	$.cards.append(...page.uploads.map(card));
	$.count.textContent = page.total ?? '';
	$.empty.textContent = page.words ?? (page.total ? '' : t('nothing'));
	show(page.next, $.more);
	$.more.onclick = () => list(page.next);
	show(page.total, $.download);
}

function card(upload) {
	const image = make('img', { src: `uploads/${upload.id}/image`, alt: '', loading: 'lazy' });
	image.onerror = () => Object.assign(image, { src: `uploads/${upload.id}/preview.png`, onerror: null });
	const words = make('span', { className: judge(upload).level }, saying(upload));
	const button = make('button', { ariaLabel: `${$.discard.textContent} ${saying(upload)}` }, '×');
	button.onclick = async () => (await new Picture(upload).discard()) && list();
	return make('li', {}, make('a', { href: `#upload=${upload.id}` }, image, words), button);
}

/** The pictures, and a row for each that was corrected, as in digits/uploads/export.py. */
async function pack() {
	const [files, rows] = [[], ['file,label\n']];
	for (let query = `?limit=100${$.filter.value}`; query; ) {
		const page = await listed(query);
		for (const { id, image, label } of page.uploads) {
			const name = `uploads/${id}.${image.format.toLowerCase()}`;
			files.push([name, await (await call(`uploads/${id}/image`)).blob()]);
			if (label != null) rows.push(`${name},${label.replaceAll('\n', '\\n')}\n`);
			$.download.textContent = files.length;
		}
		query = page.next;
	}
	return zip([...files, ['labels.csv', new Blob(rows)]]);
}

$.download.onclick = async () => {
	const words = $.download.textContent;
	$.download.disabled = true;
	try {
		const href = URL.createObjectURL(await pack());
		make('a', { href, download: 'digits.zip' }).click();
		setTimeout(URL.revokeObjectURL, 60_000, href);
	} catch ({ message }) {
		$.empty.textContent = message;
	}
	Object.assign($.download, { textContent: words, disabled: false });
};

$.filter.onchange = () => list();
$.filter.append(...Array.from('0123456789', (digit) => make('option', { value: `&digit=${digit}` }, digit)));
