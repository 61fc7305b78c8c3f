// Shows the user, the time of the login and its expiry, and the reply to each call.

const login = require('../../utils/login');

// Advice for the most common errors. The others have an explanation in `message`.
const ADVICE = {
  network: '连不上服务器：请确认后端已启动（cargo run），且 utils/login.js 里的 BASE_URL 正确。',
  unexpected_reply: '响应不是来自本后端：请检查 utils/login.js 里的 BASE_URL，以及中间的代理。',
  session_required: '当前没有登录：请点“重新登录”。',
  platform_misconfigured: '服务器的 AppID 或 AppSecret 有误：请看服务器日志，其中写明要改哪一项。',
};

Page({
  data: {
    state: 'checking', // 'checking', 'in', 'out', or 'unknown': there is a token, but the server did not answer
    busy: false,
    userId: '',
    since: '',
    until: '',
    advice: '',
    answer: '',
    baseUrl: login.baseUrl,
  },

  onLoad() {
    this.show(login.request({ url: '/session' }));
  },

  onLogin() {
    this.show(login.login().then(() => login.request({ url: '/session' })));
  },

  // Call your own routes in the same way.
  onCall() {
    this.show(login.request({ url: '/session' }));
  },

  onLogout() {
    this.setData({ busy: true });
    const bye = (answer) => this.setData({ state: 'out', busy: false, advice: '', answer: answer });
    login.logout().then(
      () => bye('已退出。现在调用受保护的接口会得到 401。'),
      (error) => bye('本机已退出，但没能通知服务器：' + error.message)
    );
  },

  show(session) {
    this.setData({ busy: true });
    session.then(
      (reply) => {
        const data = reply.data || {};
        const live = data.session || {};
        this.setData({
          state: 'in',
          busy: false,
          userId: (data.user && data.user.id) || '—',
          since: localTime(live.created_at),
          until: localTime(live.expires_at),
          advice: '',
          answer: JSON.stringify(reply, null, 2),
        });
      },
      (error) => {
        const wait = error.retryAfter ? '请在 ' + error.retryAfter + ' 秒后再试。' : '';
        this.setData({
          state: login.hasToken() ? 'unknown' : 'out',
          busy: false,
          advice: (ADVICE[error.error] || '') + wait,
          answer: [error.statusCode, error.error, error.message].filter(Boolean).join(' '),
        });
      }
    );
  },
});

// Removes the fraction, because older iPhones cannot parse it.
function localTime(timestamp) {
  const time = new Date(String(timestamp).replace(/\.\d+/, ''));
  if (isNaN(time.getTime())) return '—';
  const two = (number) => ('0' + number).slice(-2);
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return day + ' ' + [two(time.getHours()), two(time.getMinutes()), two(time.getSeconds())].join(':');
}
