/** A client of the backend that reads handwritten digits: `fetch`, with the types of its /openapi.json. */

import type { components, operations } from './openapi.ts';

/** What is written in a picture. */
export type Recognition = components['schemas']['RecognitionAnswer'];
/** A picture that was kept, and what is written in it. */
export type Upload = components['schemas']['UploadAnswer'];
/** What went wrong, and what to do. */
export type Problem = components['schemas']['ProblemAnswer'];
/** Which uploads the history lists, and in which order. */
export type Filters = Omit<NonNullable<operations['listUploads']['parameters']['query']>, 'cursor' | 'total'>;

/** What is to be done with a picture: whether it is kept, and what else the answer tells. */
export type Asked = NonNullable<operations['recognise']['parameters']['query']>;

/** The server refused or did not answer, or its answer is another's; `message` is a sentence that says what to do. */
export class DigitsError extends Error {
  override readonly name = 'DigitsError';
  /** Undefined if there was no answer that can be read. */
  readonly status: number | undefined;
  readonly title: string | undefined;
  /** The path of this kind of problem, such as /problems/no-ink. */
  readonly type: string | undefined;
  /** The request's name in the server's log. */
  readonly requestId: string | undefined;

  constructor(detail: string, problem: Partial<Problem> = {}, options?: ErrorOptions) {
    super(detail, options);
    this.status = problem.status;
    this.title = problem.title;
    this.type = problem.type;
    this.requestId = problem.request_id;
  }
}

/** With these the server says that it has done nothing, and when to try again. */
const NOT_DONE = [429, 503];
/** 502 and 504 come from proxies. */
const TRANSIENT = [...NOT_DONE, 502, 504];
const FIRST_PAUSE_SECONDS = 0.5;
const LONGEST_PAUSE_SECONDS = 30;

/** Sends again what got no answer, under an Idempotency-Key, so that no picture is kept twice. */
export class Digits {
  private readonly url: string;
  private readonly retries: number;
  private readonly key: string | undefined;
  private readonly fetch: typeof fetch;

  /** `options.key` is an API key; `options.fetch` replaces the global one, for headers of your own or for tests. */
  constructor(url = 'http://127.0.0.1:5000', options: { key?: string; retries?: number; fetch?: typeof fetch } = {}) {
    this.url = url.replace(/\/$/, '');
    this.retries = options.retries ?? 3;
    this.key = options.key;
    this.fetch = options.fetch ?? ((...request) => fetch(...request));
  }

  /** Reads a picture, and keeps it unless `store` is false. */
  recognise(picture: Blob, asked?: Asked & { store?: true }): Promise<Upload>;
  recognise(picture: Blob, asked: Asked): Promise<Upload | Recognition>;
  async recognise(picture: Blob, asked: Asked = {}): Promise<Upload | Recognition> {
    return contentOf<Upload | Recognition>(await this.post([picture], asked), 'number');
  }

  /** Reads up to 20 pictures in one request; the error of one that is refused comes in its place. */
  async recogniseSeveral(pictures: Blob[], asked: Asked = {}): Promise<(Upload | Recognition | DigitsError)[]> {
    if (pictures.length < 2) return Promise.all(pictures.map((only) => this.recognise(only, asked).catch(refusal)));
    const answer = await this.post(pictures, asked);
    const { uploads } = await contentOf<components['schemas']['UploadsResults']>(answer, 'uploads');
    return uploads.map((result) => ('detail' in result ? new DigitsError(result.detail, result) : result));
  }

  /** An upload, and what else the answer shall tell, such as `alternatives`. */
  async get(id: string, asked: operations['getUpload']['parameters']['query'] = {}): Promise<Upload> {
    return contentOf<Upload>(await this.send(`${path(id)}?${queryOf(asked)}`), 'number');
  }

  /** Goes through the uploads; each page is fetched when it is needed. */
  async *history(filters: Filters = {}): AsyncGenerator<Upload, void> {
    let query: string | undefined = queryOf({ limit: 100, ...filters });
    while (query) {
      const answer = await this.send(`uploads?${query}`);
      const page = await contentOf<components['schemas']['UploadsAnswer']>(answer, 'uploads');
      yield* page.uploads;
      query = page.next?.split('?')[1];
    }
  }

  /** Says which number is written there; '' means that there is no digit, null removes the label. */
  async correct(id: string, label: string | null): Promise<Upload> {
    const headers = { 'Content-Type': 'application/json' };
    const request = { method: 'PATCH', headers, body: JSON.stringify({ label }) };
    return contentOf<Upload>(await this.send(path(id), request), 'number');
  }

  /** Deletes an upload and its picture. */
  async delete(id: string): Promise<void> {
    const answer = await this.send(path(id), { method: 'DELETE' });
    if (answer.status !== 204 && answer.status !== 404) throw foreign(answer);
  }

  /** The picture as it was sent. */
  async image(id: string): Promise<Blob> {
    const answer = await this.send(`${path(id)}/image`);
    if (!answer.headers.get('Content-Type')?.startsWith('image/')) throw foreign(answer);
    return answer.blob();
  }

  private post(pictures: Blob[], asked: Asked): Promise<Response> {
    const body = new FormData();
    for (const picture of pictures) body.append('file', picture, 'picture');
    // Not randomUUID, which browsers have only under HTTPS.
    const headers = { 'Idempotency-Key': crypto.getRandomValues(new Uint32Array(4)).join('-') };
    return this.send(`uploads?${queryOf(asked)}`, { method: 'POST', headers, body });
  }

  private async send(path: string, request: RequestInit = {}): Promise<Response> {
    let mayBeDone = false; // A try that failed may have reached the server: its answer was lost, perhaps by a proxy.
    for (let tries = 1; ; tries++) {
      const isLast = tries > this.retries;
      const answer = await this.once(`${this.url}/${path}`, request).catch((cause: unknown) => {
        if (isLast) throw new DigitsError('The server did not answer, or its answer broke off.', {}, { cause });
      });
      if (answer && (isLast || !(await isTransient(answer)))) {
        const isGone = request.method === 'DELETE' && mayBeDone && answer.status === 404;
        if (answer.ok || isGone) return answer;
        throw await errorOf(answer);
      }
      mayBeDone ||= !answer || !NOT_DONE.includes(answer.status);
      const seconds = pauseOf(answer, tries);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }

  /** The answer, once its whole body is here. */
  private async once(url: string, request: RequestInit): Promise<Response> {
    const headers = { ...request.headers, ...(this.key && { Authorization: `Bearer ${this.key}` }) };
    const answer = await this.fetch(url, { ...request, headers });
    await answer.clone().blob();
    return answer;
  }
}

/** Whether another try may succeed: of several pictures too, if the server was busy at one of them. */
async function isTransient(answer: Response): Promise<boolean> {
  if (answer.status !== 207) return TRANSIENT.includes(answer.status);
  const content = await answer.clone().json().catch(() => null);
  return Array.isArray(content?.uploads) && content.uploads.some((each: Problem) => TRANSIENT.includes(each?.status));
}

/** Seconds to wait: as long as the server says, or twice as long each time, and not all clients at once. */
function pauseOf(answer: Response | void, tries: number): number {
  const named = answer?.headers.get('Retry-After') ?? '';
  const grown = Math.min(FIRST_PAUSE_SECONDS * 2 ** (tries - 1), LONGEST_PAUSE_SECONDS);
  return /^\d+$/.test(named) ? Math.min(Number(named), LONGEST_PAUSE_SECONDS) : grown * (0.5 + Math.random() / 2);
}

/** The JSON of an answer, which has this field if it is the backend's. */
async function contentOf<T>(answer: Response, field: keyof T & string): Promise<T> {
  const content = await answer.json().catch(() => null);
  if (content?.[field] == null) throw foreign(answer);
  return content;
}

function foreign({ status }: Response): DigitsError {
  const detail = "This answer is not the backend's. Check its address, and any proxy in front of it.";
  return new DigitsError(detail, { status });
}

async function errorOf(answer: Response): Promise<DigitsError> {
  const problem: Partial<Problem> | null = await answer.json().catch(() => null); // A proxy's answer is no JSON.
  const { status } = answer;
  return new DigitsError(problem?.detail ?? `The server answered ${status}.`, { status, ...problem });
}

/** The error of a picture as its result; it is thrown if the server did not refuse it. */
function refusal(error: unknown): DigitsError {
  if (error instanceof DigitsError && (error.status ?? 0) >= 400) return error;
  throw error;
}

function path(id: string): string {
  return `uploads/${encodeURIComponent(id)}`;
}

function queryOf(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}
