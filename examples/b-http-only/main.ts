import { App, Chart } from 'cdk8s';
import { EgressPort, SidecarEgress } from 'cdk8s-istio-egress';

const app = new App();
const team = new Chart(app, 'shop', { namespace: 'shop' });

// Plain HTTP and nothing else: these sites stay out of reach over HTTPS.
new SidecarEgress(team, 'sites', {
  hosts: ['www.aliyun.com', 'hbchen.com'],
  ports: [EgressPort.http()],
});

app.synth();
