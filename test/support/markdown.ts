/**
 * A fenced block. `language`, `marks`: the words after the opening fence (`sh not-run`), '' where
 * it has none. `line`: of that fence, from 1.
 */
export type Fence = Readonly<{language: string; marks: readonly string[]; text: string; line: number}>

/** Those in lists too, without their indentation. */
export function fences(markdown: string): readonly Fence[] {
  return [...markdown.matchAll(/^( *)```([^`\n]*)\n(.*?)^\1```$/gms)].map(
    ({1: indent = '', 2: words = '', 3: text = '', index}) => {
      const [language = '', ...marks] = words.trim().split(/\s+/)
      return {
        language,
        marks,
        text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
        line: markdown.slice(0, index).split('\n').length,
      }
    },
  )
}

export const withoutFences = (markdown: string): string => markdown.replaceAll(/^( *)```[^`\n]*\n.*?^\1```$/gms, '')

/** What headings can be linked to, as GitHub makes it of their words. */
export const anchors = (markdown: string): readonly string[] =>
  [...withoutFences(markdown).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/**
 * The commands of a shell script, each as its words: quotes, comments, pipes, lists and
 * redirections are understood, nothing is expanded.
 */
export function commandsOf(script: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]]
  const token =
    /\\\n|(?<=^|\s)#[^\n]*|"((?:[^"\\]|\\.)*)"|'([^']*)'|(\d?>>?|<)\s*\S+|(\n|&&|\|\|?|;)|\s|[^\s"';|&<>#\\]+|./gs
  let word: string | null = null
  const endWord = () => {
    if (word !== null) commands.at(-1)?.push(word)
    word = null
  }
  for (const [text, double, single, redirection, end] of script.matchAll(token)) {
    const isComment = text.startsWith('#') && text !== '#'
    if (isComment || redirection !== undefined || /^(\s|\\\n)$/.test(text) || end !== undefined) endWord()
    else word = (word ?? '') + (double ?? single ?? text)
    if (end !== undefined) commands.push([])
  }
  endWord()
  return commands.filter((words) => words.length > 0)
}
