/** The strip of members at the top. */

import { byId, el } from './dom.js';

const LOOK_EVERY_MS = 3_000;

export function keepCluster(client) {
  let timer = 0;
  const look = async () => {
    clearTimeout(timer);
    if (!document.hidden) {
      try {
        draw((await client.status('/cluster')).members);
      } catch {
        byId('members').classList.add('unknown');
      }
    }
    timer = setTimeout(look, LOOK_EVERY_MS);
  };
  document.addEventListener('visibilitychange', look);
  return look();
}

function draw(members) {
  const strip = byId('members');
  strip.classList.remove('unknown');
  strip.replaceChildren(...members.map((member) =>
    el('li', { class: 'member', title: story(member), data: { role: member.role, health: member.health } },
      el('span', { class: 'dot', 'aria-hidden': 'true' }),
      el('b', {}, String(member.id)),
      el('span', { class: 'role' }, member.role),
      member.health !== 'ok' && el('span', { class: 'health' }, member.health),
      member.lag > 0 && el('span', { class: 'lag' }, `${member.lag.toLocaleString('en')} behind`))));
}

function story({ id, role, term, applied, committed, lag, addresses = {}, health }) {
  return [
    `Member ${id}: ${role}, ${health}`,
    `term ${term}, applied ${applied} of ${committed}${lag > 0 ? `, ${lag} behind` : ''}`,
    ...Object.entries(addresses).map(([name, address]) => `${name} ${address}`),
  ].join('\n');
}
