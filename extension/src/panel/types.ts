/** The wire's types by short names, and what the panel adds to them. */
import type { components } from '../core/wire';

type Wire = components['schemas'];

export type AddDataset = Partial<Wire['AddDataset']>;
export type Advice = Wire['Advice'];
export type Again = Wire['Again'];
export type Analyze = Wire['Analyze'];
export type Answer = Partial<Wire['Answer']>;
export type Column = Wire['Column'];
export type Dataset = Wire['Dataset'];
export type DatasetSummary = Wire['DatasetSummary'];
export type Example = Wire['Example'];
export type Form = Wire['Form'];
export type FormRequest = Wire['FormRequest'];
export type Limits = Wire['Limits'];
export type MethodForm = Wire['MethodForm'];
export type MethodSummary = Wire['MethodSummary'];
export type Note = Wire['Note'];
export type Pool = Wire['Pool'];
export type Preview = Wire['Preview'];
export type Problem = Wire['Problem'];
export type Question = Wire['Question'];
export type Recommendation = Wire['Recommendation'];
export type ReferenceQuestion = Wire['ReferenceQuestion'];
export type SampleTable = Wire['SampleTable'];
export type Submitted = Wire['Submitted'];
export type Upload = Wire['Upload'];

/** What the panel asks of a server. Rejected promises carry what `problemsOf` can tell. */
export interface IPanelServer {
  datasets(): Promise<DatasetSummary[]>;
  dataset(reference: string): Promise<Dataset>;
  addDataset(request: AddDataset): Promise<Dataset>;
  setDataset(reference: string, answer: Answer): Promise<Dataset>;
  removeDataset(reference: string): Promise<void>;
  preview(reference: string): Promise<Preview>;
  samples(reference: string): Promise<SampleTable>;
  setSamples(reference: string, table: SampleTable): Promise<Dataset>;
  examples(): Promise<Example[]>;
  /** Sends a file; `told` hears how much of it has left, from 0 to 1. */
  upload(file: File, told: (part: number) => void, signal: AbortSignal): Promise<Upload>;
  dropUpload(id: string): Promise<void>;
  methods(datasets: readonly string[]): Promise<MethodSummary[]>;
  /** What is known to do well there. May take seconds the first time. */
  advice(datasets: readonly string[]): Promise<Advice[]>;
  form(request: FormRequest): Promise<Form>;
  analyze(request: Analyze): Promise<Submitted>;
  pools(): Promise<Pool[]>;
  warm(): Promise<void>;
}

/** Something asked of the server: not asked, asked, there, or refused. */
export type Loaded<T> =
  | { readonly is: 'asking' }
  | { readonly is: 'there'; readonly value: T }
  | { readonly is: 'failed'; readonly problems: readonly Problem[] };

export const ASKING = { is: 'asking' } as const;

export function there<T>(value: T): Loaded<T> {
  return { is: 'there', value };
}

/** The value, or null while it is not there. */
export function valueOf<T>(loaded: Loaded<T> | undefined): T | null {
  return loaded?.is === 'there' ? loaded.value : null;
}

/** The name in `NAME@2`. */
export function nameOf(reference: string): string {
  return reference.split('@', 1)[0] ?? reference;
}
