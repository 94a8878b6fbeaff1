"""Transformers' side of the chat templates: rendered conversations, and Jinja2's word on single constructs.

  python chat_templates_peer.py FILE.json

The templates are written here, of the shapes of Qwen3's, Qwen2.5's, Llama 3's and DeepSeek's. A construct
is a small template with variables; its result is the text, or null where Jinja2 raises.
"""
import json
import sys

from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

QWEN3 = r"""
{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- "# Functions\n\nThese can be called:\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(still_tool=true, last_question=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.still_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.still_tool = false %}
        {%- set ns.last_question = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_question %}
            {%- if loop.last or (not loop.last and reasoning) %}
                {{- '<|im_start|>' + message.role + '\n<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\n' }}
                {%- endif %}
                {%- if call.function %}
                    {%- set call = call.function %}
                {%- endif %}
                {{- '<tool_call>\n{"name": "' }}
                {{- call.name }}
                {{- '", "arguments": ' }}
                {%- if call.arguments is string %}
                    {{- call.arguments }}
                {%- else %}
                    {{- call.arguments | tojson }}
                {%- endif %}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\n<tool_response>\n' }}
        {{- content }}
        {{- '\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}"""

QWEN25 = r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You help with mathematics.' }}
    {%- endif %}
    {%- for tool in tools %}
        {{- "\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "<|im_end|>\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>system\nYou help with mathematics.<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""

LLAMA3 = r"""{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message comes out, so that it can stand where it belongs. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}

{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\n" }}
{%- endif %}
{{- "Today: " + date_string + "\n\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}

{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One call at a time!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\n\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""

DEEPSEEK_CODER = r"""{% if not add_generation_prompt is defined %}
{% set add_generation_prompt = false %}
{% endif %}
{%- set ns = namespace(found=false) -%}
{%- for message in messages -%}
    {%- if message['role'] == 'system' -%}
        {%- set ns.found = true -%}
    {%- endif -%}
{%- endfor -%}
{{bos_token}}{%- if not ns.found -%}
{{'You write programs and refuse other questions.\n'}}
{%- endif %}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}
{{ message['content'] }}
    {%- else %}
        {%- if message['role'] == 'user' %}
{{'### Instruction:\n' + message['content'] + '\n'}}
        {%- else %}
{{'### Response:\n' + message['content'] + '\n<|EOT|>\n'}}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{% if add_generation_prompt %}
{{'### Response:'}}
{% endif %}"""

DEEPSEEK_MATH = (
    "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ bos_token }}"
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}"
    "{% elif message['role'] == 'system' %}{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")

DEEPSEEK_R1 = (
    "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
    "{% set ns = namespace(is_first=false, is_tool=false, system_prompt='') %}"
    "{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}"
    "{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}"
    "{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}"
    "{{'<｜User｜>' + message['content']}}{%- endif %}"
    "{%- if message['role'] == 'assistant' and message['content'] is not none %}"
    "{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
    "{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- endfor -%}"
    "{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\\n'}}{% endif %}")

# No system role, strict turns; a macro and text parts. The shapes of Gemma's, Mistral's and Phi's.
STRICT = r"""{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{%- for message in messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] %}
    {{- '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"""

MACRO = r"""{%- macro show(content, count=1) -%}
    {%- if content is string -%}
        {{- content }}
    {%- elif content is iterable and content is not mapping -%}
        {%- for part in content -%}
            {%- if part.type == 'text' or 'text' in part -%}
                {%- set count = count + 1 -%}
                {{- part.text }}
            {%- else -%}
                {{- '<' ~ part.type ~ count ~ '>' }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
{%- set ns = namespace(turn=0) -%}
{%- for message in messages if message.role != 'hidden' -%}
    {%- set ns.turn = ns.turn + 1 -%}
    {{ '[' ~ loop.index ~ '/' ~ loop.length ~ (' last' if loop.last) ~ '] ' ~ message.role | upper ~ ': ' -}}
    {{ show(message.content) }}{{ show(message.content, count=5) | length }}
{% else -%}
    nobody speaks
{% endfor -%}
{{ ns.turn }} turns{{ ', tools: ' ~ tools | map(attribute='name') | join(', ') if tools }}
{%- if add_generation_prompt %}
ASSISTANT:{% endif %}"""

NO_PROMPT = "{% for message in messages %}{{ message.role + ': ' + message.content + '\n' }}{% endfor %}"

TEMPLATES = {"qwen3": QWEN3, "qwen2.5": QWEN25, "llama3": LLAMA3, "deepseek_coder": DEEPSEEK_CODER,
             "deepseek_math": DEEPSEEK_MATH, "deepseek_r1": DEEPSEEK_R1, "strict": STRICT, "macro": MACRO,
             "no_prompt": NO_PROMPT}

TOOL = {"type": "function", "name": "add", "function": {"name": "add", "description": "a < b & \"c\" é", "parameters": {
    "type": "object", "properties": {"x": {"type": "number", "default": 2.5}, "y": {}}, "required": ["x"], "n": None, "t": True}}}
USER = {"role": "user", "content": "What is 2 + 2?"}
SYSTEM = {"role": "system", "content": "Put reasoning in <think> </think>.\n"}
CONVERSATIONS = [
    [USER],
    [SYSTEM, USER],
    [{"role": "user", "content": "  spaces and é\u0301 😀 {{ x }} {% if %} <|im_end|>\n\n "}],
    [SYSTEM, USER, {"role": "assistant", "content": "<think>\n\nhm\n</think>\n\n4"}, {"role": "user", "content": "Sure?"}],
    [USER, {"role": "assistant", "content": "\n<think>\na\n</think>\nb</think>\n\nc\n"}],
    [USER, {"role": "assistant", "content": "4", "reasoning_content": "\nhm\n"}],
    [USER, {"role": "assistant", "content": "", "tool_calls": [
        {"function": {"name": "add", "arguments": {"x": 1, "y": "ü"}}}]}, {"role": "tool", "content": "3"},
     {"role": "tool", "content": "x"}],
    [{"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image"}]}],
    [{"role": "hidden", "content": "x"}],
    [SYSTEM, SYSTEM, USER, USER],
]
VARIABLES = [{}, {"enable_thinking": True}, {"enable_thinking": False}]


def environment():
    return _compile_jinja_template("").environment


def rendered(template, messages, **variables):
    try:
        return render_jinja_template([messages], chat_template=template, **variables)[0][0]
    except Exception:
        return None


VALUES = {"n": 7, "neg": -7, "f": 2.5, "s": "aXb", "e": "", "l": [3, 1, 2], "d": {"b": 1, "a": "x"}, "t": True, "no": False,
          "z": None, "m": [{"role": "user", "c": 1}, {"role": "tool", "c": 0}, {"role": "user", "c": 2}],
          "u": "é😀\u00a0z", "w": " \t x \n\u2003", "nested": [[1, 2], ["a", None]], "big": 10 ** 15}

# Each is rendered with VALUES. What Handrail refuses on purpose is marked with !.
CONSTRUCTS = r"""
{{ s }}|{{ n }}|{{ f }}|{{ t }}|{{ no }}|{{ z }}|{{ nothing }}
{{ l }} {{ d }} {{ nested }} {{ [] }} {{ {} }} {{ (1, 'a') }}
{{ ["it's", 'say "x"', 'both \' and "', 'tab\t\n\\', 'é😀', '\x7f\x01'] }}
{{ 1.0 }} {{ 0.5 }} {{ 10 / 4 }} {{ 8 / 2 }} {{ -0.0 }} {{ 1.5 * 2 }}
{{ -7 % 3 }} {{ 7 % -3 }} {{ neg % 3 }} {{ -7 // 2 }} {{ 7 // 2 }} {{ 7.5 // 2 }} {{ 7.5 % 2 }}
{{ 1 == 1.0 }} {{ 1 == '1' }} {{ true == 1 }} {{ '' == false }} {{ z == nothing }} {{ [1] == [1] }} {{ (1, 2) == [1, 2] }}
{{ {'a': 1} == {'a': 1} }} {{ nothing == other }} {{ 0 == none }} {{ 'a' != 'a' }}
{{ 1 in [1.0] }} {{ '1' in [1] }} {{ 'X' in s }} {{ 'b' in d }} {{ 'z' not in d }} {{ 1 in nothing }} {{ true in [1] }}
{{ [1] in [[1], 2] }} {{ none in [none] }} {{ 'role' in m[0] }}
{{ 'a' < 'b' }} {{ 'Z' < 'a' }} {{ 2 > 1.5 }} {{ true >= 1 }} {{ 'ab' <= 'abc' }}
{{ 'a' ~ 1 ~ 2.0 ~ true ~ none ~ nothing ~ [1] }}
{{ 'a' + 'b' }} {{ [1] + [2] }} {{ 1 + 2.0 }} {{ true + 1 }} {{ 2 - 3 }} {{ 2 * 3 }}
{{ 'a' + 1 }}
{{ nothing + 'a' }}
{{ z + 'a' }}
{{ 1 / 0 }}
{{ 1 % 0 }}
{{ nothing.x }}
{{ nothing['x'] }}
{{ d.x.y }}
{{ z.x }}|{{ d.nope }}|{{ n.real_name }}|{{ s.nope }}
{{ l[0] }} {{ l[-1] }} {{ l[5] }} {{ s[0] }} {{ s[-1] }} {{ d['a'] }} {{ d['q'] }} {{ u[1] }} {{ m[0].role }} {{ m.0.role }}
{{ l[1:] }} {{ l[::-1] }} {{ l[:-1] }} {{ s[1:] }} {{ s[::-1] }} {{ u[:2] }} {{ l[5:] }} {{ l[-2:] }} {{ (1,2,3)[:2] }} {{ l[2:0:-1] }}
{{ s | length }} {{ l | length }} {{ d | length }} {{ u | length }} {{ nothing | length }} {{ l | count }}
{{ s | upper }} {{ s | lower }} {{ 'hello WORLD x' | capitalize }} {{ n | string + 'x' }} {{ 'ß' | upper }} {{ 'ΑΣ' | lower }}
[{{ w | trim }}] [{{ w.strip() }}] [{{ w.lstrip() }}] [{{ w.rstrip() }}] [{{ 'xxaxx' | trim('x') }}] [{{ n | trim }}]
[{{ 'xxaxx'.strip('x') }}] [{{ 'xyaxy'.lstrip('yx') }}] [{{ 'xyaxy'.rstrip('y') }}] [{{ '\n\na\n'.lstrip('\n') }}] [{{ '\ufeffa'.strip() }}] [{{ '\x1ca\x85'.strip() }}]
{{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ ' a  b c '.split() }} {{ ' a  b c '.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ''.split() }} {{ ''.split(',') }}
{{ 'a</think>\n\nb'.split('</think>')[-1].lstrip('\n') }}
{{ s.startswith('a') }} {{ s.endswith(('q', 'b')) }} {{ s.startswith('Xb') }} {{ s.endswith('') }}
{{ 'aaa'.replace('a', 'b') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }} {{ 'aaa' | replace('a', 'b', 1) }} {{ 'a.b' | replace('.', '$&') }} {{ 'aa' | replace('a', 'b', count=1) }}
{{ s.upper() }} {{ s.lower() }} {{ 'abc dEF'.capitalize() }} {{ u.find('z') }} {{ u.find('q') }} {{ ', '.join(['a', 'b']) }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }}
{{ d.get('a') }} {{ d.get('q') }} {{ d.get('q', 5) }} {{ d.items() | list }} {{ d.keys() | list }} {{ d.values() | list }}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for k, v in d | items %}{{ k }}{{ v }}{% endfor %}
{{ nothing | default('x') }} {{ e | default('x') }}| {{ e | default('x', true) }} {{ z | default('x') }} {{ z | default('x', boolean=true) }} {{ nothing | d(1) }}
{{ l | first }} {{ l | last }} {{ [] | first }} {{ s | first }} {{ u | last }} {{ l | join(',') }} {{ l | join }} {{ [1, none, 'a'] | join('-') }} {{ 'abc' | join('.') }}
{{ 'abc' | list }} {{ d | list }} {{ 'abc' | reverse }} {{ l | reverse | list }} {{ l | list | last }}
{{ '12' | int }} {{ 'x' | int }} {{ 3.9 | int }} {{ ' 5 ' | int }} {{ true | int }} {{ '-4' | int + 1 }} {{ '3.7' | int }} {{ none | int }}
{{ m | map(attribute='role') | list }} {{ m | map(attribute='q', default='-') | join }} {{ ['a', 'b'] | map('upper') | join }}
{{ m | selectattr('role', 'equalto', 'user') | list | length }} {{ m | rejectattr('role', '==', 'user') | map(attribute='c') | list }} {{ m | selectattr('c') | list | length }}
{{ m | selectattr('q', 'defined') | list }} {{ m | selectattr('role', 'in', ['tool']) | list | length }} {{ l | select('odd') | list }} {{ l | reject('equalto', 1) | list }}
{% if m | selectattr('role', 'equalto', 'nobody') %}yes{% else %}no{% endif %}
{% set g = l | map('string') %}{{ g | list }}{{ g | list }}
{% set g = m | selectattr('role', 'equalto', 'user') %}{{ (g | first).c }}{{ (g | first).c }}
{{ d | tojson }} {{ nested | tojson }} {{ u | tojson }} {{ u | tojson(ensure_ascii=true) }} {{ f | tojson }} {{ 1.0 | tojson }} {{ 'a"\\/<\n\x01\x7f' | tojson }}
{{ d | tojson(indent=2) }} {{ [] | tojson(indent=2) }} {{ {'b': {'c': []}, 'a': [1, {}]} | tojson(indent=4, sort_keys=true) }} {{ d | tojson(separators=(',', ':')) }} {{ d | tojson(indent=0) }}
{{ nothing | tojson }}
{{ s is defined }} {{ nothing is defined }} {{ nothing is undefined }} {{ z is none }} {{ z is not none }} {{ s is string }} {{ n is number }} {{ t is number }} {{ t is integer }} {{ n is integer }} {{ f is float }} {{ t is boolean }}
{{ d is mapping }} {{ l is sequence }} {{ d is sequence }} {{ s is sequence }} {{ n is iterable }} {{ s is iterable }} {{ l is iterable }} {{ nothing is iterable }} {{ nothing is sequence }} {{ d is iterable }} {{ (1, 2) is sequence }}
{{ 3 is odd }} {{ 4 is even }} {{ -3 is odd }} {{ t is true }} {{ no is false }} {{ 1 is true }} {{ namespace() is mapping }}
{{ (m | map('length')) is iterable }} {{ (m | map('length')) is sequence }}
{{ 'yes' if n > 3 else 'no' }} {{ 'yes' if n > 30 }}| {{ 'a' if no else 'b' if t else 'c' }}
{{ n and s }} {{ e or 'x' }} {{ no or e }}| {{ not e }} {{ not l }} {{ not not n }} {{ 0.0 or 'zero' }} {{ [] or {} or 'end' }}
{{ not 'a' in s }} {{ not s is string }} {{ n > 3 and s == 'aXb' or no }} {{ 2 + 3 * 4 - 1 }} {{ (2 + 3) * 4 }} {{ -n + 1 }} {{ - f }} {{ +n }}
{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}
{% for i in l if i > 1 %}{{ i }}{{ loop.index }}{{ loop.last }}{% else %}none{% endfor %}{% for i in [] %}x{% else %}empty{% endfor %}{% for i in nothing %}x{% endfor %}
{% for i in l %}{% if i == 3 %}{% set x = 5 %}{% endif %}[{{ x }}]{% endfor %}{{ x }}
{% set x = 1 %}{% for i in l %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}
{% for i in l %}a{{ i }}{% if i == 1 %}{% continue %}{% endif %}b{% endfor %}|{% for i in l %}a{{ i }}{% if i == 1 %}{% break %}{% endif %}b{% endfor %}|{% for i in [1] %}{% continue %}{% else %}none{% endfor %}
{% for a, b in nested %}{{ a }}-{{ b }};{% endfor %}{% for c in 'aé😀' %}{{ c }}.{% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}{{ range(5, 0, -2) | list }}{{ range(2, 4) | list }}
{% for i in l %}{% for j in l %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}
{% set ns = namespace(a=1, b='x') %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}
{% set a, b = 1, 2 %}{{ a + b }}{% set (c, d2) = [3, 4] %}{{ c }}{{ d2 }}{% set x %}block {{ n }}{% endset %}{{ x | upper }}{{ x is string }}
{% if n == 7 %}{% set y = 'in if' %}{% endif %}{{ y }}{% if no %}{% set q = 1 %}{% endif %}{{ q }}
{% macro m1(a, b='B') %}{{ a }}{{ b }}{{ n }}{% endmacro %}{{ m1('x') }} {{ m1('x', 'y') }} {{ m1(b='q', a='p') }} {{ m1() }} {{ m1('a') | upper }} {{ m1('a') is string }}
{% macro m2() %}{{ late }}{% endmacro %}{% set late = 5 %}{{ m2() }}{% for i in [1] %}{% set late = 6 %}{{ m2() }}{% endfor %}
{% macro m3(a) %}{{ a }}{% endmacro %}{{ m3(1, 2) }}
{% macro m4(a) %}{{ a }}{% endmacro %}{{ m4(b=1) }}
{% macro fact(k) %}{% if k > 1 %}{{ k }}*{{ fact(k - 1) }}{% else %}1{% endif %}{% endmacro %}{{ fact(5) }}
{% macro outer(a) %}{% macro inner(b) %}{{ a }}{{ b }}{% endmacro %}{{ inner('i') }}{% endmacro %}{{ outer('o') }}
{% if true and True and not False and none is none and None is none %}ok{% endif %}
  {%- if t -%}   a   {%- endif -%}   b
a {% if t %}
  x
{% endif %} b
   {% if t %}indented{% endif %}
   {{ n }}   
{# comment #}x{#- c -#} y {# z #}
a{% set x = 1 %}   b {%- set x = 2 %} c
{{ '{{' }} {{ '%}' }} {{ "a" 'b' }} {{ '\x41\u00e9\t|' }} {{ {'a': {'b': 1}}['a']['b'] }} {{ {'a': {'b': 1}}.a.b }}
{% generation %}gen {{ n }}{% endgeneration %} x
{{- 'a' -}}   {{- 'b' -}}   c
{{ raise_exception('no') }}
{{ 1 if nothing is defined and nothing.x }}|{{ 'ok' if m[0].missing is not defined }}
{{ m[0]['missing'] is none }}{{ m[0].missing is none }}{{ m[0].get('missing') is none }}
{{ big * 9 }} {{ big + 0.5 }}
{{ s | trim | upper | lower | length }} {{ (s ~ n) | length }} {{ n | string | length }} {{ m | map(attribute='q') | list }}
{{ -1 | string }} {{ [-1, - 2] }} {{ l | length - 1 }} {{ l|length-1 }} {{ (l|length)*2 }}
{{ 'A' if s is string and s | length > 2 else 'B' }}
!{{ s is string | upper }}
!{{ (1,) }}
!{{ 1 < 2 < 3 }}
!{{ 'a' == 'a' == true }}
!{{ l | sort }}
!{{ l | sum }}
!{{ l | groupby('a') }}
!{{ l | batch(2) | list }}
!{{ s | wordcount }}
!{{ s | title }}
!{{ s.title() }}
!{{ s.isdigit() }}
!{{ 'a%s' % 'b' }}
!{{ 'a{}'.format(1) }}
!{{ s | format }}
!{{ 'a' * 3 }}
!{{ 2 ** 3 }}
!{{ 4 is divisibleby 2 }}
!{{ 4 is divisibleby(2) }}
!{{ 1 is eq 1 }}
!{{ s is sameas s }}
!{{ s is in 'aXbc' }}
!{{ s is callable }}
!{{ n is lower }}
!{% raw %}{{ x }}{% endraw %}
!{% with a = 1 %}{{ a }}{% endwith %}
!{% filter upper %}a{% endfilter %}
!{% macro c() %}{{ caller() }}{% endmacro %}{% call c() %}x{% endcall %}
!{% macro v() %}{{ varargs }}{% endmacro %}{{ v(1) }}
!{% for i in l recursive %}{{ i }}{% endfor %}
!{% for i in l %}{{ loop.cycle('a', 'b') }}{% endfor %}
!{% for i in l %}{{ loop.changed(i) }}{% endfor %}
!{% for i in l %}{{ loop.depth }}{% endfor %}
!{{ dict(a=1) }}
!{{ joiner(',') }}
!{{ d.items }}
!{{ d.items() }}
!{{ range(3) }}
!{{ m | map('length') }}
!{{ l.append(4) }}
!{{ d.update({}) }}
!{{ l.index(3) }}
!{{ lipsum }}
!{{ '{0}' | format(1) }}
!{{ 1e3 }}
!{{ 0x10 }}
!{{ 1_000 }}
!{{ 1e-9 }}
!{{ 10 / 100000000 }}
!{{ '\d' }}
!{{ s.__class__ }}
!{% include 'x' %}
!{% block a %}b{% endblock %}
!{%+ if t %}x{% endif %}
!{{ s[::0] }}
!{{ l | tojson(2) }}
!{{ [1,] | unique | list }}
!{{ s | indent }}
!{{ (s | safe) + '<b>' }}
{{ m1 }}
{{ (1 < 2) == (2 < 3) }} {{ (1 == 1) != (n % 2 == 0) }} {{ [1 < 2, 2 > 3] }} {{ 1 < 2 and 2 < 3 }} {{ (1 in l) == true }}
{% for i in l if i in [1, 2] %}{{ i }}{% endfor %}{% if 'a' in s and 'X' in s %}y{% endif %}
!{{ 1 in [1] == true }}
!{{ (1 == 1) == 1 == 2 }}
!{% set loop = 1 %}
!{{ namespace }}
!{% set range = 1 %}{{ range }}
!{{ strftime_now('%j') }}
!{{ s | default(value='x') }}
"""


def main():
    env = environment()
    constructs = []
    for line in CONSTRUCTS.strip("\n").split("\n"):
        if line.startswith("!"):
            constructs.append({"template": line[1:], "text": None, "refused": True})
            continue
        try:
            text = env.from_string(line).render(**VALUES)
        except Exception:
            text = None
        constructs.append({"template": line, "text": text})
    # White space control over several lines.
    for source in ["a {% if t %}\n  x\n{% endif %} b\n", "  {% if t %}\nx\n  {% endif %}\n  y\n", "{# c #}\nx\n{#- d #}\n\n  y  \n\n",
                   "  {{ n }}\n  {%- for i in l %}\n  {{ i }}\n  {%- endfor %}\n\nend\n\n", "a\r\n{% if t %}\r\nb\r\n{% endif %}\r\nc\r\n",
                   "{% generation %}\na\n{% endgeneration %}\nb", "x\n\t {% set q = 1 %}\n\n{{ q }}", "{%- set q = 1 -%}\n\n  \n z",
                   "{% for i in l %}\n{{ i }}\n{% endfor %}\n"]:
        constructs.append({"template": source, "text": env.from_string(source).render(**VALUES)})
    templates = {}
    special = {"bos_token": "<BOS>", "eos_token": "<EOS>", "date_string": "1 Jan 2025"}
    for name, text in TEMPLATES.items():
        cases = []
        for i, messages in enumerate(CONVERSATIONS):
            for variables in VARIABLES if "enable_thinking" in text else [{}]:
                for prompt in (True, False):
                    for tools in (None, [TOOL]) if i < 2 else (None,):
                        kwargs = {"add_generation_prompt": prompt, "tools": tools, **variables}
                        cases.append({"conversation": i, "variables": kwargs,
                                      "text": rendered(text, messages, **special, **kwargs)})
        templates[name] = {"text": text, "cases": cases}
    with open(sys.argv[1], "w") as f:
        json.dump({"generator": "tests/parity/chat_templates_peer.py", "values": VALUES, "constructs": constructs,
                   "special": special, "conversations": CONVERSATIONS, "templates": templates}, f,
                  separators=(",", ":"))


main()
