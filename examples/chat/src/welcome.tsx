const SUGGESTIONS = [
  'How do I define an agent?',
  'What is 17% of 2340?',
  'What time is it in Tokyo?',
  'Save a note: buy milk',
]

export function Welcome({ onAsk }: { onAsk: (question: string) => void }) {
  return (
    <section className="welcome">
      <h2>What would you like to know?</h2>
      <p>
        Answers come from this project's own documentation. It also calculates, tells the time, and saves
        notes when you allow it.
      </p>
      <ul>
        {SUGGESTIONS.map((question) => (
          <li key={question}>
            <button type="button" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
