import { core } from './core/plugin';

export default [core];
