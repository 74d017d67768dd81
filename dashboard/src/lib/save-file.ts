// Saves data as a file, as a download of the browser.

/** The address of the data is valid for so long, which is enough for the browser to begin the download. */
const KEEP_MS = 60_000;

export function saveFile(data: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(data);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}
