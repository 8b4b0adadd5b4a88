/** The wire types under their own names. Made from the server's OpenAPI document: `jlpm wire`. */

import { type components } from './wire';

type Schemas = components['schemas'];

export type Acted = Schemas['Acted'];
export type Again = Schemas['Again'];
export type Batch = Schemas['Batch'];
export type BatchCell = Schemas['Cell'];
export type Busy = Schemas['Busy'];
export type Dataset = Schemas['Dataset'];
export type DatasetSummary = Schemas['DatasetSummary'];
export type Failure = Schemas['Failure'];
export type Form = Schemas['Form'];
export type FromPage = Schemas['FromPage'];
export type FromServer = Schemas['FromServer'];
export type LiveEvent = Schemas['LiveEvent'];
export type LiveNotebook = Schemas['LiveNotebook'];
export type Matrix = Schemas['Matrix'];
export type MatrixCell = Schemas['MatrixCell'];
export type MatrixColumn = Schemas['MatrixColumn'];
export type MatrixRow = Schemas['MatrixRow'];
export type MethodForm = Schemas['MethodForm'];
export type MethodSummary = Schemas['MethodSummary'];
export type NotebookDraft = Schemas['NotebookDraft'];
export type Preview = Schemas['Preview'];
export type Problem = Schemas['Problem'];
export type Progress = Schemas['Progress'];
export type ResultFile = Schemas['ResultFile'];
export type SampleTable = Schemas['SampleTable'];
export type Status = Schemas['Status'];
export type Submitted = Schemas['Submitted'];
export type SystematicStatus = Schemas['SystematicStatus'];
export type Task = Schemas['Task'];
export type TaskDetail = Schemas['TaskDetail'];
export type TaskPage = Schemas['TaskPage'];
export type TaskState = Task['state'];
export type Upload = Schemas['Upload'];
export type Why = Schemas['Why'];
