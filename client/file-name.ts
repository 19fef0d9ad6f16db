export const fileNameOf = (file: Blob): string => ('name' in file ? String(file.name) : 'file')
