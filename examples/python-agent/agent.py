import os
import time

from trpc_agent_runtime import RunResult, Tool, ToolRegistry, agent, serve


def get_weather(city: str) -> dict:
    """Current weather in a city."""
    return {"city": city, "sky": "clear", "celsius": 21}


def research(source: str) -> str:
    time.sleep(2)  # stands for work that takes its time
    with open("researched.txt", "a") as file:
        file.write(f"{source}\n")
    return f"what {source} says"


@agent
async def weather(ctx):
    await ctx.emit_message(f"I am process {os.getpid()}.")
    for source in ("satellite", "station", "almanac"):
        await ctx.step(source, lambda: research(source))  # stored: done once, whatever crashes
    reply = await ctx.tool_loop(ToolRegistry([Tool.from_function(get_weather)]))  # streams by itself
    return RunResult({"response": reply.final_output}, reply.final_messages)


serve()
