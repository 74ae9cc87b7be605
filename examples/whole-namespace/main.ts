import { App, Chart } from 'cdk8s';
import { Caller, EgressGateway, GatewayEgress, GatewayRefusal, RegistryOnlyMesh } from 'cdk8s-istio-egress';

const app = new App();

const platform = new Chart(app, 'platform', { namespace: 'egress' });
new RegistryOnlyMesh(platform, 'lock');
const exit = new EgressGateway(platform, 'exit');
exit.lockdown();

// Every pod in the namespace `web` may call these, whatever its service account.
const web = new Chart(app, 'web', { namespace: 'web' });
const feeds = new GatewayEgress(web, 'feeds', {
  gateway: exit,
  hosts: ['news.example.com', 'weather.example.com'],
  callers: [Caller.wholeNamespace('web')],
});
feeds.originateTls('tls');

// One service only. The others in its namespace get a 403, with a line in the gateway's log.
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const partner = new GatewayEgress(shop, 'partner', {
  gateway: exit,
  hosts: ['api.partner.com'],
  callers: [Caller.serviceAccount('shop', 'checkout')],
  refusal: GatewayRefusal.FORBIDDEN,
});
partner.originateTls('tls');

app.synth();
