const PAUSE_MS = 600;
const PEN_PIXELS = 32;
const UNREACHABLE = 'The server cannot be reached. Check your connection.';

const {
  paper, picture, words, clear, file, answer, number, note, problem, again, why, explanation, wrong, correction, label,
  noNumber, saved, digits, digitTemplate, barTemplate,
} = Object.fromEntries([...document.querySelectorAll('[id]')].map((element) => [element.id, element]));
const [invitation, hint] = [words.textContent, note.textContent];

// Rounded down, for nothing short of certainty to be called 100%.
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1, roundingMode: 'floor' });

// The paper has the same pixels on every screen, so neither turning a phone nor zooming touches the drawing.
const ink = paper.getContext('2d', { alpha: false });
Object.assign(ink, { fillStyle: 'white', lineCap: 'round', lineJoin: 'round', lineWidth: PEN_PIXELS });
let stroke = null;

function freshPaper(writtenOnIt = '') {
  ink.fillRect(0, 0, paper.width, paper.height);
  URL.revokeObjectURL(picture.src);
  picture.removeAttribute('src');
  words.textContent = writtenOnIt;
}

function startStroke(event) {
  // A second pointer is a palm or another finger, not another pen.
  if (stroke || event.button !== 0) return;
  supersede();
  if (picture.src || words.textContent) freshPaper();
  paper.setPointerCapture(event.pointerId);
  stroke = { pointer: event.pointerId, from: position(event) };
  continueStroke(event);
}

function continueStroke(event) {
  if (event.pointerId !== stroke?.pointer) return;
  const passed = event.getCoalescedEvents?.() ?? [];
  ink.beginPath();
  ink.moveTo(...stroke.from);
  for (const point of passed.length ? passed : [event]) ink.lineTo(...position(point));
  ink.stroke();
  stroke.from = position(event);
}

function endStroke(event) {
  if (event.pointerId !== stroke?.pointer) return;
  stroke = null;
  pause = setTimeout(() => read(new Promise((resolve) => paper.toBlob(resolve))), PAUSE_MS);
}

function position({ clientX, clientY }) {
  const { left, top, width, height } = paper.getBoundingClientRect();
  return [((clientX - left) / width) * paper.width, ((clientY - top) / height) * paper.height];
}

function choose(chosen) {
  if (!chosen) return;
  freshPaper();
  picture.src = URL.createObjectURL(chosen);
  picture.alt = chosen.name;
  read(chosen);
}

let pause;
let reading = new AbortController();

/** Drops whatever is about to be read or being read: an older answer never replaces a newer one. */
function supersede() {
  clearTimeout(pause);
  reading.abort();
  reading = new AbortController();
  answer.ariaBusy = 'true';
  problem.textContent = '';
  again.hidden = true;
  return reading.signal;
}

/** Under the same key again, it is kept once, even where only the answer was lost. Not randomUUID, which needs HTTPS. */
async function read(blob, key = crypto.getRandomValues(new Uint32Array(4)).join('-')) {
  const signal = supersede();
  again.onclick = () => read(blob, key);
  note.textContent = 'Reading …';
  try {
    const body = new FormData();
    body.append('file', await blob);
    const headers = { 'Idempotency-Key': key };
    const response = await fetch('uploads?preview=true', { method: 'POST', headers, body, signal });
    const result = await response.json();
    if (response.ok) return show(result);
    show(nothing, '', result.detail);
    again.hidden = response.status < 500;
  } catch {
    if (signal.aborted) return;
    show(nothing, '', UNREACHABLE);
    again.hidden = false;
  }
}

const nothing = { number: '', text: '', digits: [] };

function show(result, remark = confidence(result), complaint = '') {
  number.textContent = result.text;
  number.style.setProperty('--columns', Math.max(1, ...result.text.split('\n').map((line) => line.length)));
  note.textContent = remark;
  problem.textContent = complaint;
  offerExplanation(result.links);
  offerCorrection(result);
  digits.replaceChildren(...result.digits.map(digitFigure));
  answer.ariaBusy = 'false';
}

/** The server makes it only when it is opened. */
function offerExplanation(links) {
  why.hidden = !links;
  why.open = false;
  explanation.removeAttribute('src');
  why.ontoggle = () => {
    if (why.open) explanation.src = links.explanation;
  };
}

function offerCorrection({ links, number: digitsRead }) {
  wrong.hidden = !links;
  wrong.open = false;
  saved.textContent = '';
  label.value = digitsRead;
  correction.onsubmit = (event) => {
    event.preventDefault();
    correct(links.self, label.value.trim().replace(/\s*\n\s*/g, '\n'));
  };
  noNumber.onclick = () => correct(links.self, '');
}

async function correct(upload, said) {
  const { signal } = reading;
  saved.textContent = 'Saving …';
  const outcome = await keepLabel(upload, said);
  if (!signal.aborted) saved.textContent = outcome;
}

async function keepLabel(upload, said) {
  try {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(upload, { method: 'PATCH', headers, body: JSON.stringify({ label: said }) });
    return response.ok ? 'Thank you. The next model can learn from it.' : (await response.json()).detail;
  } catch {
    return UNREACHABLE;
  }
}

function confidence(result) {
  const share = percent.format(result.confidence);
  return result.recognised ? `${share} sure` : `Not sure: ${share}`;
}

function digitFigure({ digit, probabilities, preview }) {
  const figure = digitTemplate.content.cloneNode(true);
  const seen = figure.querySelector('img');
  seen.src = preview;
  seen.alt = `The ${digit} as the model saw it, 28 by 28 pixels`;
  figure.querySelector('.bars').append(...probabilities.map((share, name) => bar(name, share, name === digit)));
  return figure;
}

function bar(name, share, isBest) {
  const row = barTemplate.content.cloneNode(true);
  row.querySelector('.name').textContent = name;
  row.querySelector('meter').value = share;
  row.querySelector('.share').textContent = share < 0.001 ? '' : percent.format(share);
  row.firstElementChild.classList.toggle('best', isBest);
  return row;
}

paper.addEventListener('pointerdown', startStroke);
paper.addEventListener('pointermove', continueStroke);
paper.addEventListener('lostpointercapture', endStroke);

clear.addEventListener('click', () => {
  supersede();
  freshPaper(invitation);
  show(nothing, hint);
});

// The server reads some formats that the browser cannot show.
picture.addEventListener('error', () => freshPaper(picture.alt));

file.addEventListener('change', () => {
  choose(file.files[0]);
  file.value = ''; // So that the same file can be chosen again.
});
document.addEventListener('paste', (event) => choose(event.clipboardData.files[0]));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  choose(event.dataTransfer.files[0]);
});

freshPaper(invitation);
