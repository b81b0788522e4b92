/* SPDX-License-Identifier: MIT */
/* The page of `lastack … --html`: what belongs to a segment, a state or a clock, on hover in a card and on click in a panel. */
(function () {
  'use strict';
  const facts = JSON.parse(document.getElementById('facts').textContent);
  const card = document.getElementById('card');
  const panel = document.getElementById('panel');
  const root = document.documentElement;
  let chosen = null, back = null;

  const make = (tag, text) => {
    const e = document.createElement(tag);
    e.textContent = text;
    return e;
  };
  const list = (rows) => {
    const dl = document.createElement('dl');
    for (const [name, value] of rows) dl.append(make('dt', name), make('dd', value));
    return dl;
  };
  const target = (node) => (node instanceof Element ? node.closest('[data-k]') : null);
  const fact = (node) => (node ? facts[node.dataset.k] : undefined);

  function showCard(node) {
    const f = fact(node);
    if (!f) return;
    card.replaceChildren(make('strong', f.title), list(f.rows));
    card.hidden = false;
    const at = (node.querySelector('text') || node).getBoundingClientRect(), box = card.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left), root.clientWidth - box.width - 8);
    const below = at.bottom + 12 + box.height < root.clientHeight;
    card.style.left = left + 'px';
    card.style.top = Math.max(8, below ? at.bottom + 12 : at.top - box.height - 10) + 'px';
  }
  const hideCard = () => { card.hidden = true; };

  function mark(key, on) {
    for (const e of document.querySelectorAll('[data-k="' + key + '"]')) e.classList.toggle('on', on);
  }
  function close() {
    if (panel.hidden) return;
    panel.hidden = true;
    if (chosen) mark(chosen, false);
    chosen = null;
    if (back && back.isConnected) back.focus({preventScroll: true});
  }
  function open(node, byKey) {
    const f = fact(node);
    if (!f) return;
    if (chosen) mark(chosen, false);
    chosen = node.dataset.k;
    back = node.hasAttribute('tabindex') ? node : null;
    mark(chosen, true);
    hideCard();
    const head = document.createElement('header'), shut = make('button', 'Close');
    shut.addEventListener('click', close);
    head.append(make('h2', f.title), shut);
    panel.replaceChildren(head, ...(f.text || []).map((t) => make('p', t)), list(f.rows));
    panel.hidden = false;
    panel.scrollTop = 0;
    if (byKey) shut.focus({preventScroll: true});
    const at = node.getBoundingClientRect(), box = panel.getBoundingClientRect();
    if (at.right > box.left && at.bottom + 24 > box.top) scrollBy(0, at.bottom + 24 - box.top); /* not under the panel */
  }

  document.addEventListener('pointerover', (e) => {
    const node = target(e.target);
    if (node && e.pointerType !== 'touch') showCard(node);
    else if (!node) hideCard();
  });
  document.addEventListener('focusin', (e) => {
    const node = target(e.target);
    if (node && node.matches(':focus-visible')) showCard(node);
    else hideCard();
  });
  document.addEventListener('scroll', hideCard, {passive: true});
  document.addEventListener('click', (e) => {
    const node = target(e.target);
    if (node) open(node);
    else if (!panel.contains(e.target)) close();
  });
  document.addEventListener('keydown', (e) => {
    const node = target(document.activeElement);
    if (e.key === 'Escape') {
      hideCard();
      close();
    } else if (node && (e.key === 'Enter' || e.key === ' ')) {
      e.preventDefault();
      open(node, true);
    } else if (node && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
      const all = Array.from(node.ownerSVGElement.querySelectorAll('[tabindex]'));
      const y = (n) => (n.querySelector('text') || n).getBoundingClientRect().top;
      all.sort((a, b) => y(a) - y(b));
      const next = all[all.indexOf(node) + (e.key === 'ArrowDown' ? 1 : -1)];
      if (next) {
        e.preventDefault();
        next.focus();
        next.scrollIntoView({block: 'nearest'});
        showCard(next);
      }
    }
  });

  const toggle = document.getElementById('theme');
  const dark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  const label = () => { toggle.textContent = dark() ? 'Light' : 'Dark'; toggle.setAttribute('aria-label', 'Show in ' + (dark() ? 'light' : 'dark') + ' colours'); };
  toggle.hidden = false;
  toggle.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; label(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', label);
  label();
})();
