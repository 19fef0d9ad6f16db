/** A form with one file. It is no `FormData`, because Node's `fetch` ends the process if sending one is aborted. */
export function toForm(file: Blob, name: string): Blob {
  const boundary = `form-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`
  const head = [
    `--${boundary}`,
    `content-disposition: form-data; name="files"; filename="${name.replaceAll('"', '%22').replaceAll(/[\r\n]/g, ' ')}"`,
    `content-type: ${file.type === '' ? 'application/octet-stream' : file.type}`,
    '\r\n',
  ].join('\r\n')
  return new Blob([head, file, `\r\n--${boundary}--\r\n`], {
    type: `multipart/form-data; boundary=${boundary}`,
  })
}
