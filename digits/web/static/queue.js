/** Files, sent one by one. */
import { limits, local } from './api.js';
import { look } from './answer.js';
import { $, make, show } from './dom.js';
import { freshPaper, showPicture } from './paper.js';
import { Picture } from './picture.js';
import { judge, saying } from './verdict.js';

const ENVELOPE = 1024; // Bytes around a picture.

let queue = [];

export async function take(files) {
	queue = files.map(inTray);
	$.tray.replaceChildren(...queue.map(({ button }) => make('li', {}, button)));
	show(queue.length > 1, $.tray);
	select(queue[0]);
	for (const picture of queue) {
		picture.blob = await fitting(picture.file).catch(() => picture.file);
		await picture.read(`store=${$.keeps.checked}`, { onProgress: (share) => (picture.bar.value = share) });
	}
}

export function emptyTray() {
	for (const { source } of queue) URL.revokeObjectURL(source);
	queue = [];
	show(false, $.tray);
}

function inTray(file) {
	const source = URL.createObjectURL(file);
	const bar = make('progress', { value: 0, ariaLabel: file.name });
	const words = make('span');
	const picture = new Picture({ file, source, bar, isFinal: true });
	const onclick = () => select(picture);
	picture.button = make('button', { onclick }, make('img', { src: source, alt: file.name }), bar, words);
	picture.onChange = () => {
		const { result, problem } = picture;
		show(!result && !problem, bar);
		words.textContent = result ? saying(result) : problem ? '–' : '';
		words.className = result ? judge(result).level : problem ? 'unsure' : '';
	};
	return picture;
}

function select(picture) {
	for (const { button } of queue) button.ariaPressed = button === picture.button;
	showPicture(picture.source, picture.file.name, () => freshPaper(picture.file.name));
	look(picture);
}

/** Shows an upload on the paper, with its answer. */
export function open(upload) {
	const preview = local(upload.links.preview);
	// Browsers cannot show every format.
	showPicture(local(upload.links.image), saying(upload), () => showPicture(preview, saying(upload)));
	look(new Picture({ result: upload, isFinal: true }));
}

/** The picture, or a smaller copy if it is over the limits. */
async function fitting(file) {
	const image = await createImageBitmap(file);
	const isLarge = file.size > limits.bytes - ENVELOPE || image.width * image.height > limits.pixels;
	return isLarge ? (await import('./shrink.js')).shrink(image, limits.bytes - ENVELOPE, limits.pixels) : file;
}
