/** German and Spanish for the elements with these ids; their English is in index.html. */
const ELEMENTS = {
	title: ['Handgeschriebene Ziffern', 'Dígitos manuscritos'],
	views: ['Ansichten', 'Vistas'],
	toWrite: ['Schreiben', 'Escribir'],
	toHistory: ['Verlauf', 'Historial'],
	toReview: ['Prüfen', 'Revisar'],
	paper: ['Papier zum Schreiben', 'Papel para escribir'],
	undo: ['Zurück', 'Deshacer'],
	clear: ['Leeren', 'Borrar'],
	pen: ['Strichstärke', 'Grosor'],
	choose: ['Bilder wählen', 'Elegir imágenes'],
	photo: ['Foto aufnehmen', 'Hacer foto'],
	again: ['Noch einmal', 'Reintentar'],
	why: ['Warum?', '¿Por qué?'],
	correct: ['Korrigieren', 'Corregir'],
	takeBack: ['Zurücknehmen', 'Retirar'],
	share: ['Teilen', 'Compartir'],
	keep: ['Behalten', 'Conservar'],
	discard: ['Löschen', 'Eliminar'],
	whyWords: ['Orange Tinte gab den Ausschlag.', 'La tinta naranja fue decisiva.'],
	chips: ['Ziffern', 'Dígitos'],
	panel: ['Wie gelesen wurde', 'Cómo se leyó'],
	invite: ['Schreiben Sie eine Zahl', 'Escriba un número'],
	explain: ['Sie wird dabei gelesen. Bilder können Sie auch wählen, ablegen oder einfügen.', 'Se lee mientras escribe. O elija, suelte o pegue imágenes.'],
	watch: ['Oder sehen Sie beim Schreiben zu:', 'O vea cómo se escribe:'],
	keepThem: ['Bilder auf diesem Server behalten', 'Conservar imágenes en este servidor'],
};

/** In all three; {} is a value. Problems go by the end of their type. */
export const SENTENCES = {
	here: ['Write here', 'Hier schreiben', 'Escriba aquí'],
	busy: ['Reading …', 'Lese …', 'Leyendo …'],
	slow: ['The network is slow.', 'Das Netz ist langsam.', 'Un momento: la red es lenta.'],
	sure: ['{} sure', '{} sicher', '{} seguro'],
	fair: ['Fairly sure: {}', 'Ziemlich sicher: {}', 'Bastante seguro: {}'],
	unsure: ['Best guess, {} sure', 'Am ehesten, {} sicher', 'Lo más probable, {} seguro'],
	said: ['Corrected by a person; read as {}', 'Von Menschen korrigiert; gelesen als {}', 'Corregido por alguien; leído como {}'],
	strange: ['This does not look like a digit.', 'Das sieht nicht wie eine Ziffer aus.', 'Esto no parece un dígito.'],
	hard: ['This is hard to read.', 'Das ist schwer zu lesen.', 'Esto es difícil de leer.'],
	none: ['No digit', 'Keine Ziffer', 'Ningún dígito'],
	seen: ['What the model saw', 'Was das Modell sah', 'Lo que vio el modelo'],
	press: ['Wrong? Press the right digit.', 'Falsch? Drücken Sie die richtige.', '¿Mal? Pulse el correcto.'],
	saving: ['Saving …', 'Speichere …', 'Guardando …'],
	keeping: ['Chosen ones at once; a drawing when you clear, leave, correct or share it.', 'Gewählte sofort; Zeichnungen beim Leeren, Verlassen, Korrigieren oder Teilen.', 'Las elegidas enseguida; un dibujo al borrarlo, dejarlo, corregirlo o compartirlo.'],
	forgetting: ['Pictures are read and forgotten.', 'Bilder werden gelesen und vergessen.', 'Las imágenes se leen y se olvidan.'],
	certain: ['Delete this picture?', 'Dieses Bild löschen?', '¿Eliminar esta imagen?'],
	offline: ['The server cannot be reached. Check your connection.', 'Keine Verbindung zum Server.', 'Sin conexión con el servidor.'],
	'not-a-picture': ['This file is not a picture that can be read.', 'Diese Datei ist kein lesbares Bild.', 'Este archivo no es una imagen legible.'],
	'no-ink': ['Nothing here looks like a digit.', 'Hier sieht nichts wie eine Ziffer aus.', 'Nada aquí parece un dígito.'],
	'too-large': ['The picture is too large: at most {} MB.', 'Das Bild ist zu groß: höchstens {} MB.', 'La imagen es demasiado grande: máximo {} MB.'],
	'not-found': ['This picture is not here, or was deleted.', 'Dieses Bild gibt es hier nicht mehr.', 'Esta imagen ya no está aquí.'],
};

const LANGUAGES = ['en', 'de', 'es'];
export const language = navigator.languages.map((name) => name.slice(0, 2)).find((name) => LANGUAGES.includes(name)) ?? 'en';
const place = LANGUAGES.indexOf(language);

/** What is said under this name, if anything. */
export const t = (name, value) => SENTENCES[name]?.[place].replace('{}', value);

export function translate(elements = ELEMENTS) {
	document.documentElement.lang = language;
	for (const [id, words] of place ? Object.entries(elements) : []) {
		const element = document.getElementById(id);
		if (element.ariaLabel) element.ariaLabel = words[place - 1];
		else element.firstChild.data = words[place - 1];
	}
}
