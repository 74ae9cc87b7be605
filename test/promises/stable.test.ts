import { App, Yaml } from 'cdk8s';
import { build, forAll } from './plans';

const bytes = (plans: Parameters<typeof build>[0]) =>
  build(plans).charts.map((chart) => Yaml.stringify(...chart.toJson()));

test('the same program gives the same bytes', () => {
  forAll((plans) => {
    expect(bytes(plans)).toEqual(bytes(plans));
  });
});

test('looking at an app while it grows changes nothing of what it becomes', () => {
  const validated = (app: App) => app.node.findAll().forEach((construct) => construct.node.validate());
  const written = (app: App) => app.charts.forEach((chart) => chart.toJson());
  forAll((plans) => {
    const grown = bytes(plans);
    for (const look of [validated, written])
      expect(build(plans, { look }).charts.map((chart) => Yaml.stringify(...chart.toJson()))).toEqual(grown);
  });
});

test('the order in which callers are named does not matter', () => {
  forAll((plans) => {
    const turned = plans.map((plan) => ({
      ...plan,
      egresses: plan.egresses.map((egress) => ({ ...egress, callers: [...egress.callers].reverse() })),
    }));
    expect(bytes(turned)).toEqual(bytes(plans));
  });
});

test('the order in which ports are given does not matter', () => {
  forAll((plans) => {
    const turned = plans.map((plan) => ({
      ...plan,
      egresses: plan.egresses.map((egress) => ({ ...egress, ports: [...egress.ports].reverse() })),
    }));
    expect(bytes(turned)).toEqual(bytes(plans));
  });
});
