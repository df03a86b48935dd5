/** Of a URL: an IPv6 address without the brackets. */
export const bareHost = ({hostname}: Readonly<{hostname: string}>): string => hostname.replace(/^\[(.*)\]$/, '$1')
