import { App, Chart } from 'cdk8s';
import { SidecarEgress } from 'cdk8s-istio-egress';

const app = new App();
const team = new Chart(app, 'shop', { namespace: 'shop' });

// HTTP on port 80 and the application's own HTTPS on port 443 are the default.
new SidecarEgress(team, 'sites', { hosts: ['www.aliyun.com', 'hbchen.com'] });

app.synth();
