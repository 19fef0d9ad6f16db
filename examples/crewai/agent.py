"""A crew of CrewAI as an agent: its model is the runtime's, and what it has done is not done again after a crash.

pip install crewai, then `npx agent-runtime dev examples/crewai/runtime.ts`. `CREWAI_PYTHON` names the interpreter that has it.
"""

from typing import Any

from crewai import Agent, BaseLLM, Crew, Task
from crewai.tools import tool

from trpc_agent_runtime import SyncRunContext, agent, serve


class RuntimeLLM(BaseLLM):
    """Each call is a turn of the run: streamed to whoever follows it, counted, and stored."""

    ctx: Any

    def call(self, messages: Any, tools: Any = None, *_: Any, **__: Any) -> str:
        given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        answer = self.ctx.llm.turn([{"role": m["role"], "content": m["content"]} for m in given], stop=self.stop or None)
        return answer.text

    def supports_function_calling(self) -> bool:
        return False  # CrewAI then tells of tools in the prompt, which every model understands


def look_up_fact(topic: str) -> str:
    return f"Of {topic} it is known that it is wet."


@agent("crew")
def crew(ctx: SyncRunContext) -> dict:
    llm = RuntimeLLM(model="runtime", ctx=ctx)

    @tool("look_up")
    def look_up(topic: str) -> str:
        """Looks up what is known of a topic."""
        return ctx.step("look_up", lambda: look_up_fact(topic))  # done once, whatever crashes

    researcher = Agent(role="Researcher", goal="Find facts", backstory="Precise.", llm=llm, tools=[look_up])
    writer = Agent(role="Writer", goal="Write one sentence", backstory="Brief.", llm=llm)
    research = Task(description="Research {topic}.", expected_output="A fact.", agent=researcher)
    writing = Task(description="Write about it.", expected_output="A sentence.", agent=writer, context=[research])
    result = Crew(agents=[researcher, writer], tasks=[research, writing]).kickoff(inputs={"topic": ctx.params["topic"]})
    return {"text": result.raw}


if __name__ == "__main__":
    serve()
