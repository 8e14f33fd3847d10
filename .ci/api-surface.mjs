import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const printer = ts.createPrinter({ removeComments: true });

/** Every exported name of every entry point with its declaration, as the built .d.ts files of a package state it. */
export function apiSurface(library) {
  const { name, exports } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'));
  const entries = Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, target]) => ({ name: join(name, subpath), file: join(library, target.types) }));
  const missing = entries.filter((entry) => !existsSync(entry.file));
  if (missing.length > 0) throw new Error(`not built: ${missing.map((entry) => entry.name).join(', ')}`);
  const program = ts.createProgram(
    entries.map((entry) => entry.file),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, skipLibCheck: true, types: ['node'] },
  );
  return entries.map((entry) => section(entry, program)).join('\n');
}

function section({ name, file }, program) {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  if (!module) throw new Error(`${name} exports nothing`);
  const symbols = checker.getExportsOfModule(module).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [`# ${name}`, ...symbols.map((symbol) => entryOf(symbol, checker))].join('\n\n') + '\n';
}

function entryOf(symbol, checker) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declarations = target.declarations ?? [];
  if (declarations.length === 0) throw new Error(`${symbol.name} is exported but declared nowhere`);
  return [`## ${symbol.name}`, ...declarations.map(print)].join('\n');
}

function print(declaration) {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const shown = ts.isClassDeclaration(statement) ? withoutPrivates(statement) : statement;
  return printer.printNode(ts.EmitHint.Unspecified, shown, declaration.getSourceFile());
}

function withoutPrivates(node) {
  const hidden = (member) =>
    (member.name && ts.isPrivateIdentifier(member.name)) ||
    ts.getModifiers(member)?.some((modifier) => modifier.kind === ts.SyntaxKind.PrivateKeyword);
  const members = node.members.filter((member) => !hidden(member));
  const { modifiers, name, typeParameters, heritageClauses } = node;
  return ts.factory.updateClassDeclaration(node, modifiers, name, typeParameters, heritageClauses, members);
}
