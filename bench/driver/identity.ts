/** Whom the driver says to be. The floor does not ask. */
export const TOKEN = 'token-of-the-benchmark'
export const OWNER_ID = 'bench'
export const TENANT_ID = 'bench'
/** Of another tenant, which is its own id. */
export const OTHER_TOKEN = 'token-of-another-tenant'
export const OTHER_TENANT_ID = 'other'
