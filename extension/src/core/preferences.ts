import { type ISettingRegistry } from '@jupyterlab/settingregistry';
import { type ISignal, Signal } from '@lumino/signaling';

/** What a person chose in JupyterLab's settings: schema/core.json, with its defaults. */
export interface IPreferences {
  readonly notify: 'all' | 'problems' | 'none';
  readonly openResult: boolean;
  readonly pageSize: number;
  readonly showCode: boolean;
}

const DEFAULTS: IPreferences = { notify: 'all', openResult: true, pageSize: 100, showCode: false };

export class Preferences {
  get now(): IPreferences {
    return this._now;
  }

  get changed(): ISignal<this, IPreferences> {
    return this._changed;
  }

  /** Follows the settings. Without a registry, as in a bare shell, the defaults stand. */
  async follow(registry: ISettingRegistry | null, plugin: string): Promise<void> {
    const settings = await registry?.load(plugin);
    if (settings) {
      this._settings = settings;
      const take = (): void => {
        this._now = { ...DEFAULTS, ...(settings.composite as Partial<IPreferences>) };
        this._changed.emit(this._now);
      };
      settings.changed.connect(take);
      take();
    }
  }

  /** Holds at once, and is remembered where there are settings. */
  async set<K extends keyof IPreferences>(name: K, value: IPreferences[K]): Promise<void> {
    this._now = { ...this._now, [name]: value };
    this._changed.emit(this._now);
    await this._settings?.set(name, value);
  }

  private _settings: ISettingRegistry.ISettings | null = null;
  private _now = DEFAULTS;
  private readonly _changed = new Signal<this, IPreferences>(this);
}
