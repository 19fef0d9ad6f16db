const PATHS = {
  attach: 'M13 7.5l-5.2 5.2a3.2 3.2 0 0 1-4.5-4.5l5.6-5.6a2.1 2.1 0 0 1 3 3l-5.5 5.5a1 1 0 0 1-1.5-1.5L9.8 5',
  check: 'M3 8.5l3.2 3.2L13 4.5',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  edit: 'M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z',
  left: 'M10 3.5L5.5 8l4.5 4.5',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  plus: 'M8 3v10M3 8h10',
  redo: 'M13 8a5 5 0 1 1-1.5-3.5M13 2.5v3h-3',
  right: 'M6 3.5L10.5 8 6 12.5',
  send: 'M8 13V3.5M3.5 8L8 3.5 12.5 8',
  stop: 'M5 5h6v6H5z',
  trash: 'M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9',
} as const

export type IconName = keyof typeof PATHS

/** A picture beside a name. The button or link around it has the name. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} className={name === 'stop' ? 'filled' : undefined} />
    </svg>
  )
}
