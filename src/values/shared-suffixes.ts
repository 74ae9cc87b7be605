/**
 * Domains below which anyone can register a name: storage, functions, pages, tunnels. A wildcard over one of them lets
 * callers reach every tenant there, including an attacker. The list cannot be complete (the Public Suffix List has
 * thousands); it holds the ones in everyday use.
 *
 * @see https://publicsuffix.org/list/
 */
const SHARED = [
  // storage and content delivery
  'blob.core.windows.net',
  'file.core.windows.net',
  'web.core.windows.net',
  'azureedge.net',
  'azurefd.net',
  'storage.googleapis.com',
  'googleusercontent.com',
  'cloudfront.net',
  'r2.dev',
  'r2.cloudflarestorage.com',
  'digitaloceanspaces.com',
  'backblazeb2.com',
  'wasabisys.com',
  'linodeobjects.com',
  'myqcloud.com',
  'aliyuncs.com',
  'myhuaweicloud.com',
  'akamaihd.net',
  'akamaized.net',
  'edgekey.net',
  'edgesuite.net',
  'fastly.net',
  'fastlylb.net',
  'b-cdn.net',
  // functions, applications, containers
  'azurewebsites.net',
  'azurecontainerapps.io',
  'cloudapp.net',
  'cloudapp.azure.com',
  'trafficmanager.net',
  'servicebus.windows.net',
  'azure-api.net',
  'appspot.com',
  'cloudfunctions.net',
  'run.app',
  'web.app',
  'firebaseapp.com',
  'firebaseio.com',
  'workers.dev',
  'pages.dev',
  'herokuapp.com',
  'fly.dev',
  'onrender.com',
  'railway.app',
  'vercel.app',
  'now.sh',
  'netlify.app',
  'deno.dev',
  'ondigitalocean.app',
  'supabase.co',
  'awsapprunner.com',
  'elasticbeanstalk.com',
  'on.aws',
  'repl.co',
  'glitch.me',
  // pages and hosted sites
  'github.io',
  'githubusercontent.com',
  'gitlab.io',
  'bitbucket.io',
  'readthedocs.io',
  'surge.sh',
  'blogspot.com',
  'wordpress.com',
  'tumblr.com',
  'weebly.com',
  'wixsite.com',
  'myshopify.com',
  'webflow.io',
  'notion.site',
  'sharepoint.com',
  'zendesk.com',
  'atlassian.net',
  'slack.com',
  'auth0.com',
  'okta.com',
  'my.salesforce.com',
  'force.com',
  // tunnels and dynamic names
  'ngrok.io',
  'ngrok.app',
  'ngrok-free.app',
  'trycloudflare.com',
  'loca.lt',
  'serveo.net',
  'duckdns.org',
  'no-ip.org',
  'dyndns.org',
  'ddns.net',
  'nip.io',
  'sslip.io',
  'ts.net',
];

/** Second levels under which countries register names: `co.uk`, `com.au`. */
const REGISTRY_LABELS = new Set([
  'ac',
  'co',
  'com',
  'edu',
  'gob',
  'gov',
  'go',
  'gv',
  'info',
  'mil',
  'ne',
  'net',
  'or',
  'org',
]);

/** The shared domain that a wildcard over this domain would cover, if any. */
export function sharedDomain(domain: string): string | undefined {
  const labels = domain.split('.');
  if (labels.length === 2 && labels[1].length === 2 && REGISTRY_LABELS.has(labels[0])) return domain;
  // All names in AWS's own domain are rented out, except those below a single bucket.
  if (/(^|\.)amazonaws\.com(\.cn)?$/.test(domain) && !/^[^.]+\.s3([.-][^.]+)?\.amazonaws\.com(\.cn)?$/.test(domain))
    return domain;
  return SHARED.find((shared) => shared === domain || shared.endsWith(`.${domain}`));
}
