import { App, Chart, Duration } from 'cdk8s';
import { Caller, EgressBoundary, EgressGateway, GatewayEgress, SidecarEgress } from 'cdk8s-istio-egress';

const app = new App();
const platform = new Chart(app, 'platform', { namespace: 'egress' });
const exit = new EgressGateway(platform, 'exit');
exit.lockdown();

// The shop reaches one site through the gateway. The other host turns out to have an address in the organisation's own
// network.
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const callers = [Caller.serviceAccount('shop', 'checkout')];
new GatewayEgress(shop, 'site', { gateway: exit, hosts: ['www.partner.com'], callers });
new GatewayEgress(shop, 'inside', {
  gateway: exit,
  hosts: ['wiki.partner.com'],
  callers,
  retries: { attempts: 0 },
  connectionPool: { connectTimeout: Duration.seconds(1) },
});

// The web team calls one host directly from its sidecars.
const web = new Chart(app, 'web', { namespace: 'web' });
new SidecarEgress(web, 'feed', { hosts: ['feed.example.com'], endpoints: ['203.0.113.60'] });

// From here on there is no other way out, sidecar or not. It has a chart of its own because it is applied last.
new EgressBoundary(new Chart(app, 'boundary', { namespace: 'egress' }), 'boundary', {
  namespaces: ['shop', 'web'],
  gateways: [exit],
});

app.synth();
