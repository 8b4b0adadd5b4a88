import { LabIcon } from '@jupyterlab/ui-components';

/** Three figures of an analysis in one: bars, and the dots above them. Colours are those of the theme. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
<g class="jp-icon3" fill="#616161">
<rect x="3" y="13" width="4" height="8" rx="1"/><rect x="10" y="9" width="4" height="12" rx="1"/>
<rect x="17" y="15" width="4" height="6" rx="1"/>
<circle cx="5" cy="8.5" r="1.8"/><circle cx="12" cy="4.5" r="1.8"/><circle cx="19" cy="10.5" r="1.8"/>
</g></svg>`;

const TASKS = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
<g class="jp-icon3" fill="#616161">
<path d="M3.2 6.6 5 8.4l3.6-3.8 1.2 1.1L5 10.7 2 7.8zM3.2 13.6 5 15.4l3.6-3.8 1.2 1.1L5 17.7 2 14.8z"/>
<rect x="12" y="6" width="10" height="2.4" rx="1"/><rect x="12" y="13" width="10" height="2.4" rx="1"/>
<circle cx="5.4" cy="20.6" r="1.6"/><rect x="12" y="19.4" width="10" height="2.4" rx="1"/>
</g></svg>`;

const MATRIX = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
<g class="jp-icon3" fill="#616161">
<rect x="3" y="3" width="5" height="5" rx="1"/><rect x="9.5" y="3" width="5" height="5" rx="1"/>
<rect x="3" y="9.5" width="5" height="5" rx="1"/><rect x="16" y="9.5" width="5" height="5" rx="1"/>
<rect x="9.5" y="16" width="5" height="5" rx="1"/><rect x="16" y="16" width="5" height="5" rx="1"/>
</g></svg>`;

export const logoIcon = new LabIcon({ name: 'codalab:logo', svgstr: LOGO });
export const tasksIcon = new LabIcon({ name: 'codalab:tasks', svgstr: TASKS });
export const matrixIcon = new LabIcon({ name: 'codalab:matrix', svgstr: MATRIX });
