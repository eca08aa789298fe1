import { $ } from './dom.js';
import { t } from './more-words.js';

/** Keeps a picture, and makes a link to its answer. */
export async function share(picture) {
	if (!(await picture.settle())) return;
	const url = new URL(`#upload=${picture.id}`, location).href;
	history.replaceState(null, '', url);
	const isCopied = await navigator.clipboard?.writeText(url).then(
		() => true,
		() => false,
	);
	$.note.textContent = t(isCopied ? 'copied' : 'inBar');
}
