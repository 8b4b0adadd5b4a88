import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import a11y from 'eslint-plugin-jsx-a11y';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', 'src/core/wire.ts'] },
  {
    files: ['src/**/*.{ts,tsx}', 'test/**/*.{ts,tsx}'],
    extends: [
      js.configs.recommended,
      ...tseslint.configs.recommendedTypeChecked,
      a11y.flatConfigs.recommended,
      hooks.configs.flat.recommended
    ],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './test/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['warn', 'error'] }],
      // JupyterLab's classes and their namespace of options share a name.
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // `signal.connect(this._heard, this)`: Lumino is told the receiver.
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: 'Text reaches the page as text.'
        },
        {
          selector: "MemberExpression[property.name='innerHTML']",
          message: 'Text reaches the page as text.'
        },
        { selector: "CallExpression[callee.name='fetch']", message: 'Requests go through core/api.ts.' },
        {
          selector: "CallExpression[callee.name='setInterval']",
          message: 'News comes from the server, not from a timer.'
        }
      ]
    }
  },
  prettier
);
