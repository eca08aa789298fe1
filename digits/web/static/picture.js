import { call, json, local, send } from './api.js';
import { refresh } from './answer.js';
import { t } from './words.js';

const KEEPALIVE_BYTES = 60_000; // Browsers send at most 64 KiB after the page was left.

/** A picture, what was read in it, and under which id it is kept. */
export class Picture {
	constructor(properties) {
		Object.assign(this, { id: properties.result?.id }, properties);
	}

	/** Each has a key of its own; randomUUID would need HTTPS. */
	set blob(blob) {
		this.bytes = blob;
		this.key = crypto.getRandomValues(new Uint32Array(4)).join('-');
	}

	get isKept() {
		return Boolean(this.id ?? this.keeping);
	}

	update(properties) {
		Object.assign(this, properties);
		refresh(this);
	}

	cancel() {
		if (!this.keeping) this.reading?.abort();
	}

	/** Reads it; an older answer never replaces a newer one. */
	async read(query, options) {
		this.cancel();
		const { signal } = (this.reading = new AbortController());
		this.update({ problem: null, retry: () => this.read(query, options) });
		const outcome = await send(await this.bytes, `${query}&preview=true`, this.key, { signal, ...options }).then(
			(result) => ({ id: this.id, ...result, result }),
			(problem) => ({ problem, result: null }),
		);
		if (!signal.aborted) this.update({ ...outcome, reading: null });
	}

	/** A drawing replaces its `earlier` version, unless a person called that final. */
	async keep() {
		if (this.id) return;
		const { result, earlier } = this;
		const keepalive = (await this.bytes).size < KEEPALIVE_BYTES;
		await (this.keeping ??= this.read('store=true', { keepalive }));
		this.update({ keeping: null, result: this.result ?? result });
		if (this.id && earlier?.id && !earlier.isFinal) await earlier.remove().catch(() => {});
	}

	/** Keeps it for good, with what a person says: digits, '' for none, null to take it back. */
	async settle(label) {
		Object.assign(this, { isFinal: true, problem: null });
		await this.keep();
		const headers = { 'Content-Type': 'application/json' };
		const body = JSON.stringify({ label });
		if (this.id && label !== undefined) {
			await json(`uploads/${this.id}`, { method: 'PATCH', headers, body }).then(
				() => (this.result = { ...this.result, label }),
				(problem) => (this.problem = problem),
			);
		}
		this.update({ retry: () => this.settle(label) });
		return !this.problem;
	}

	remove() {
		return call(`uploads/${this.id}`, { method: 'DELETE' });
	}

	/** Deletes it if the person is sure; whether it is gone. */
	async discard() {
		return confirm(t('certain')) && this.remove().then(() => true, ({ message }) => alert(message));
	}

	/** URL of the picture with the ink that decided, if the server makes one. */
	async explanation() {
		if (this.result.links) return local(this.result.links.explanation);
		return (await send(await this.bytes, 'store=false&explanation=true', this.key)).explanation;
	}
}
