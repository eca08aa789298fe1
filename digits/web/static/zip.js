import { t } from './more-words.js';

// More would need ZIP64.
export const MAX_FILES = 65_534;
const MAX_BYTES = 4e9;

/** A zip of [name, blob], not compressed, for pictures are already. See PKWARE's APPNOTE.TXT. */
export async function zip(files) {
	const [parts, directory] = [[], []];
	let [count, offset] = [0, 0];
	for await (const [name, blob] of files) {
		count += 1;
		if (count > MAX_FILES || offset + blob.size > MAX_BYTES) throw new Error(t('useExport'));
		const bytes = new Uint8Array(await blob.arrayBuffer());
		const [path, size] = [new TextEncoder().encode(name), bytes.length];
		// Version, flags, method, time and date (1 January 1980), checksum, both sizes, and lengths of the name and extra.
		const about = fields(20, 2, 0, 6, 33, 2, crc32(bytes), 4, size, 4, size, 4, path.length, 4);
		parts.push(fields(0x04034b50, 4), about, path, bytes);
		directory.push(fields(0x02014b50, 4, 20, 2), about, fields(0, 10, offset, 4), path);
		offset += 4 + about.length + path.length + size;
	}
	const list = new Blob(directory);
	return new Blob([...parts, list, fields(0x06054b50, 4, 0, 4, count, 2, count, 2, list.size, 4, offset, 4, 0, 2)]);
}

/** Numbers, each followed by its length in bytes, in little-endian order. */
function fields(...pairs) {
	const bytes = [];
	for (let at = 0; at < pairs.length; at += 2) {
		for (let place = 0; place < pairs[at + 1]; place += 1) bytes.push(place < 4 ? pairs[at] >>> (8 * place) : 0);
	}
	return Uint8Array.from(bytes);
}

function crc32(bytes) {
	let sum = -1;
	for (const byte of bytes) {
		sum ^= byte;
		for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 && 0xedb88320);
	}
	return ~sum;
}
