/** The caller that the driver claims to be. The floor does not ask. */
export const TOKEN = 'token-of-the-benchmark'
export const OWNER_ID = 'bench'
export const TENANT_ID = 'bench'
/** A caller of another tenant. The tenant has the same id as the caller. */
export const OTHER_TOKEN = 'token-of-another-tenant'
export const OTHER_TENANT_ID = 'other'
