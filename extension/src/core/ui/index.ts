/** What views are made of. */
export { confirm } from './confirm';
export { type IPage, PageProvider, usePage, useSignal, useTrans } from './context';
export { ErrorBox } from './ErrorBox';
export { logoIcon, matrixIcon, tasksIcon } from './icons';
export { Badge, Busy, Empty, ProgressBar, StateIcon } from './pieces';
export { ServerGoneBanner } from './ServerGoneBanner';
export { View } from './view';
