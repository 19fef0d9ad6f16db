const SUGGESTIONS = [
  'How do I define an agent?',
  'What is 17% of 2340?',
  'What time is it in Tokyo?',
  'How does a stream resume after a disconnect?',
]

export function Welcome({ onAsk }: { onAsk: (question: string) => void }) {
  return (
    <section className="welcome">
      <h2>What would you like to know?</h2>
      <p>Answers come from this project's own documentation. It also calculates, and tells the time.</p>
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
