import { App } from 'cdk8s';
import { build, forAll, serialised, TeamPlan } from './plans';

const bytes = (plans: TeamPlan[]) => serialised(build(plans));

test('the same program gives the same bytes', () => {
  forAll((plans) => {
    expect(bytes(plans)).toEqual(bytes(plans));
  });
});

test('validating or serialising an app while it grows does not change the result', () => {
  const validate = (app: App) => app.node.findAll().forEach((construct) => construct.node.validate());
  const serialise = (app: App) => app.charts.forEach((chart) => chart.toJson());
  forAll((plans) => {
    const uninspected = bytes(plans);
    for (const inspect of [validate, serialise]) expect(serialised(build(plans, { inspect }))).toEqual(uninspected);
  });
});

test('the order in which callers are named does not matter', () => {
  forAll((plans) => {
    const reversed = plans.map((plan) => ({
      ...plan,
      egresses: plan.egresses.map((egress) => ({ ...egress, callers: [...egress.callers].reverse() })),
    }));
    expect(bytes(reversed)).toEqual(bytes(plans));
  });
});

test('the order in which ports are given does not matter', () => {
  forAll((plans) => {
    const reversed = plans.map((plan) => ({
      ...plan,
      egresses: plan.egresses.map((egress) => ({ ...egress, ports: [...egress.ports].reverse() })),
    }));
    expect(bytes(reversed)).toEqual(bytes(plans));
  });
});
