
// Makes the table of operations filter, sort and open. What a service or a plan said becomes text nodes, never markup.
(() => {
  'use strict';
  const PAGE = 100;
  const $ = id => document.getElementById(id);
  const data = JSON.parse($('data').textContent);
  const text = number => (number < 0 ? '' : data.texts[number]);

  // One object an operation; `number` is its place in the plan. The order of the arrays is that of data.rs.
  const operations = data.operations.map(([outcome, [project, region, wave, why], more, cause, calls], index) => {
    const end = calls.reduce((latest, [start, took]) => Math.max(latest, start + took), 0);
    const started = calls.length ? calls[0][0] : -1;
    return { number: index + 1, outcome, project, region, wave, why, more, cause, calls, count: calls.length, started,
      took: calls.length ? end - started : -1 };
  });

  const element = (name, properties, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties || {})) {
      if (key in made) made[key] = value; else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };

  // As format_duration in Rust.
  const duration = ms => {
    if (ms < 0) return '';
    if (ms < 10000) return (Math.floor((ms + 50) / 100) / 10).toFixed(1) + ' s';
    const s = Math.floor((ms + 500) / 1000), two = n => String(n).padStart(2, '0');
    if (s < 60) return s + ' s';
    if (s < 3600) return Math.floor(s / 60) + ' min ' + two(s % 60) + ' s';
    if (s < 86400) return Math.floor(s / 3600) + ' h ' + two(Math.floor(s % 3600 / 60)) + ' min';
    return Math.floor(s / 86400) + ' d ' + two(Math.floor(s % 86400 / 3600)) + ' h';
  };
  const iso = ms => new Date(data.started + ms).toISOString();
  const clock = ms => (ms < 0 ? '' : data.elapsed < 86400000 ? iso(ms).slice(11, 19) : iso(ms).slice(5, 19).replace('T', ' '));

  // Texts are compared once; then their places in the order are.
  const collator = new Intl.Collator('en', { numeric: true });
  const order = new Int32Array(data.texts.length);
  data.texts.map((_, number) => number).sort((a, b) => collator.compare(data.texts[a], data.texts[b]))
    .forEach((number, place) => { order[number] = place; });
  const place = number => (number < 0 ? -1 : order[number]);

  const columns = [
    { key: one => one.number },
    { key: one => one.outcome },
    { key: one => place(one.project) },
    { key: one => place(one.region) },
    { key: one => place(one.wave) },
    { key: one => one.count },
    { key: one => one.started },
    { key: one => one.took },
    { key: one => place(one.why) },
  ];

  const low = data.texts.map(each => each.toLowerCase());
  const matches = words => {
    // Which texts hold each word, so that an operation is asked by numbers.
    const found = words.map(word => low.map(each => each.includes(word)));
    return one => found.every(holds => [one.project, one.region, one.wave, one.why, ...one.more].some(n => holds[n])
      || one.calls.some(call => holds[call[3]] || holds[call[4]] || holds[call[5]]));
  };

  const state = { column: 1, down: false, page: 0, opened: new Set(), rows: operations };
  const search = $('search'), outcome = $('outcome'), cause = $('cause'), shown = $('shown');
  const table = $('table'), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const holds = matches(words);
    const rows = operations.filter(one => (outcome.value === '' || one.outcome === Number(outcome.value))
      && (cause.value === '' || one.cause === Number(cause.value)) && (!words.length || holds(one)));
    const { key } = columns[state.column], sign = state.down ? -1 : 1;
    const keys = new Map(rows.map(one => [one, key(one)]));
    rows.sort((a, b) => sign * (keys.get(a) - keys.get(b)) || a.number - b.number);
    state.rows = rows;
    state.page = 0;
    show();
  };

  const attempts = one => {
    const rows = one.calls.map(([start, took, status, code, message, request, result], index) => element('tr', null,
      element('td', { className: 'number' }, String(index + 1)),
      element('td', { className: 'time' }, iso(start).slice(0, 23).replace('T', ' ')),
      element('td', { className: 'number' }, took + ' ms'),
      element('td', null, ['accepted', 'throttled', 'failed', 'no clear answer'][result]),
      element('td', { className: 'number' }, status ? String(status) : 'none'),
      element('td', null, text(code)),
      element('td', { className: 'why' }, text(message)),
      element('td', null, element('code', null, text(request)))));
    const head = [['No.', 'number'], ['Start (UTC)'], ['Took', 'number'], ['Result'], ['Status', 'number'], ['Code'], ['Message'],
      ['Request id']].map(([name, className]) => element('th', { scope: 'col', className: className || '' }, name));
    return element('table', null, element('caption', { className: 'hidden' }, 'Attempts'),
      element('thead', null, element('tr', null, ...head)), element('tbody', null, ...rows));
  };

  const details = one => {
    const names = ['Operation', 'Plan line', 'Asks for', 'Project id', 'Enterprise project', 'Credential', 'Task'];
    const facts = names.map((name, index) => [name, text(one.more[index])]).filter(([, value]) => value)
      .map(([name, value]) => element('div', null, element('dt', null, name), element('dd', null, element('code', null, value))));
    const cell = element('td', { colSpan: columns.length }, element('dl', { className: 'facts' }, ...facts),
      one.calls.length ? attempts(one) : element('p', null, 'It was never sent.'));
    return element('tr', { className: 'more', id: 'more-' + one.number }, cell);
  };

  const row = one => {
    const { word, shown: name, sign } = data.outcomes[one.outcome];
    const open = state.opened.has(one.number);
    const button = element('button', { type: 'button', className: 'open', 'aria-expanded': String(open),
      'aria-label': 'Details of operation ' + one.number }, open ? '−' : '+');
    button.dataset.number = one.number;
    return element('tr', null,
      element('td', { className: 'number' }, String(one.number), button),
      element('td', { className: 'outcome ' + word }, element('span', { 'aria-hidden': 'true' }, sign), ' ' + name),
      ...[one.project, one.region, one.wave].map(number => element('td', { className: 'name' }, text(number))),
      element('td', { className: 'number' }, String(one.count)), element('td', { className: 'time' }, clock(one.started)),
      element('td', { className: 'number' }, duration(one.took)), element('td', { className: 'why' }, text(one.why)));
  };

  const show = () => {
    const first = state.page * PAGE, rows = state.rows.slice(first, first + PAGE);
    const pages = Math.max(1, Math.ceil(state.rows.length / PAGE));
    body.replaceChildren(...rows.flatMap(one => (state.opened.has(one.number) ? [row(one), details(one)] : [row(one)])));
    const number = n => n.toLocaleString('en');
    shown.textContent = rows.length === 0 ? 'No operation fits.'
      : `${number(first + 1)}–${number(first + rows.length)} of ${number(state.rows.length)} operations`
        + (state.rows.length < operations.length ? `; ${number(operations.length)} in all` : '');
    $('page').textContent = `Page ${number(state.page + 1)} of ${number(pages)}`;
    $('before').setAttribute('aria-disabled', String(state.page === 0));
    $('after').setAttribute('aria-disabled', String(state.page + 1 >= pages));
    $('before').parentElement.hidden = pages === 1;
    heads.forEach((head, index) => {
      if (index === state.column) head.setAttribute('aria-sort', state.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
  };

  heads.forEach((head, index) => {
    const button = element('button', { type: 'button' }, head.textContent);
    button.addEventListener('click', () => {
      state.down = state.column === index && !state.down;
      state.column = index;
      filter();
    });
    head.replaceChildren(button);
  });
  data.outcomes.forEach(({ shown: name }, index) => {
    const count = operations.filter(one => one.outcome === index).length;
    if (count) outcome.append(element('option', { value: String(index) }, `${name} (${count.toLocaleString('en')})`));
  });
  data.causes.forEach((number, index) => {
    const name = text(number);
    cause.append(element('option', { value: String(index) }, name.length > 80 ? name.slice(0, 79) + '…' : name));
  });
  cause.parentElement.hidden = data.causes.length === 0;
  const turn = by => {
    const pages = Math.ceil(state.rows.length / PAGE), to = state.page + by;
    if (to < 0 || to >= pages) return;
    state.page = to;
    show();
    $('operations').scrollIntoView();
  };
  $('before').addEventListener('click', () => turn(-1));
  $('after').addEventListener('click', () => turn(1));
  search.addEventListener('input', filter);
  outcome.addEventListener('change', filter);
  cause.addEventListener('change', filter);
  search.form.addEventListener('submit', event => event.preventDefault());
  // The fields are empty only after this event.
  search.form.addEventListener('reset', () => setTimeout(filter));
  body.addEventListener('click', event => {
    const button = event.target.closest('button.open');
    if (!button) return;
    const number = Number(button.dataset.number), open = !state.opened.has(number);
    if (open) state.opened.add(number); else state.opened.delete(number);
    const at = button.closest('tr');
    if (open) at.after(details(operations[number - 1])); else at.nextElementSibling.remove();
    button.setAttribute('aria-expanded', String(open));
    button.textContent = open ? '−' : '+';
  });
  for (const button of document.querySelectorAll('button[data-cause]')) {
    button.addEventListener('click', () => {
      search.value = '';
      outcome.value = '';
      cause.value = button.dataset.cause;
      filter();
      $('operations').scrollIntoView();
      $('operations').focus({ preventScroll: true });
    });
  }
  for (const each of document.querySelectorAll('.script')) each.hidden = false;
  filter();
})();
