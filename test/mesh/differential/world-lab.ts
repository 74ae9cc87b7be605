import { MeshSettings } from '../../../src/access/access-table';
import { Answered, MeshAnswer, RecordedWorld } from '../../model/worlds/recorded';
import { tableOf } from '../../model/worlds/table';
import { plain, Request, World } from '../../model/worlds/world';
import { Lab, Refused, seen, up } from '../lab';

/** A lab that stays up while one small world after the other is applied in it. */
export class WorldLab {
  public static async up(mesh: MeshSettings): Promise<WorldLab> {
    return new WorldLab(mesh, await up({ table: tableOf(mesh) }));
  }

  private mayWait = false;

  private constructor(
    private readonly mesh: MeshSettings,
    private lab: Lab,
  ) {}

  /** Puts a world into force and sends its requests. */
  public async ask(world: World): Promise<RecordedWorld> {
    try {
      return await this.asked(world);
    } catch (error) {
      // A gateway whose route leads to itself connects until its Envoy ends, often not before the next world.
      if (this.lab.isWhole) throw error;
      this.lab.down();
      this.lab = await up({ table: tableOf(this.mesh) });
      return this.asked(world);
    }
  }

  private async asked(world: World): Promise<RecordedWorld> {
    const { requests, ...rest } = world;
    const refused = await this.putIntoForce(world);
    const answers: Answered[] = [];
    if (refused === undefined)
      for (const request of requests) answers.push({ request, answer: await this.answer(request) });
    return plain({ ...rest, refused, answers });
  }

  public down(): void {
    this.lab.down();
  }

  private async putIntoForce(world: World): Promise<RecordedWorld['refused']> {
    try {
      // Each world starts empty: an existing object of the same name would be updated and keep its age, and a proxy keeps
      // the cluster that it has while the one of the same name waits for a Secret or a file.
      await this.lab.apply('manifests', []);
      const waited = this.mayWait;
      this.mayWait = /"(credentialName|clientCertificate|caCertificates|caCrl)"/.test(JSON.stringify(world.objects));
      if (waited || this.mayWait) await this.lab.converge({ tolerateWarming: true, awaitDraining: false });
      await this.lab.apply('manifests', world.objects);
    } catch (error) {
      if (error instanceof Refused) return { by: 'admission', why: error.message };
      throw error;
    }
    const isRefusal = (error: Error) => / refused /.test(error.message);
    try {
      await this.lab.converge({ seconds: 3, awaitDraining: false }).catch((error) => {
        if (isRefusal(error)) throw error;
        // A proxy that waits for a Secret that does not exist gets no further than this.
        return this.lab.converge({ tolerateWarming: true, awaitDraining: false });
      });
      return undefined;
    } catch (error) {
      if (!isRefusal(error as Error)) throw error;
      return { by: 'proxy', why: (error as Error).message };
    }
  }

  private async answer(request: Request): Promise<MeshAnswer> {
    const evidence = await this.lab.send({ ...request, expect: { outcome: 'answered' } });
    const {
      contradictions: _c,
      addedHeaders: _a,
      removedHeaders: _r,
      hostHeader: _h,
      redirects,
      ...saw
    } = seen(evidence);
    return plain({
      ...saw,
      ...(redirects && redirects.length > 0 && { redirects }),
    });
  }
}
