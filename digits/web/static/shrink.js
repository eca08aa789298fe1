import { make } from './dom.js';

const SIDE = 2048; // Pixels; more than the server looks at.

/** A JPEG of an image that has at most so many bytes and pixels. */
export async function shrink(image, bytes, pixels) {
	const { width, height } = image;
	let copy;
	let scale = Math.min(1, SIDE / Math.max(width, height), Math.sqrt(pixels / width / height));
	do {
		const canvas = make('canvas', { width: width * scale, height: height * scale });
		const context = Object.assign(canvas.getContext('2d'), { fillStyle: 'white' });
		context.fillRect(0, 0, canvas.width, canvas.height);
		context.drawImage(image, 0, 0, canvas.width, canvas.height);
		copy = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg'));
		scale /= 2;
	} while (copy.size > bytes);
	return copy;
}
