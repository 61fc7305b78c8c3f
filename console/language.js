// The texts of the page in two languages, and the switch between them.

// Each row: English, Chinese.
const ROWS = {
  skip: ['Skip to the content', '跳到内容'],
  console: ['console', '控制台'],
  docs: ['API', 'API 文档'],
  theme: ['Dark or light', '深色或浅色'],
  panes: ['Panes', '面板'],
  phone: ['Phone', '手机'],
  log: ['Log', '日志'],
  state: ['State', '状态'],
  diagnosis: ['Diagnosis', '诊断'],

  connected: ['live', '实时'],
  connecting: ['connecting', '正在连接'],
  lost: ['connection lost, trying again', '连接已断开，正在重试'],
  again: ['The server is back.', '服务器已恢复。'],
  gone: ['the server has no console', '服务器没有控制台'],
  key: ['key needed', '需要密钥'],
  keyTitle: ['This page needs the key of the server', '此页面需要服务器的密钥'],
  keyHelp: ['You open the console from another machine, or through a proxy or the port map of a container. Open the address with ?key=… that the server printed at its start, or enter the key here.', '你从另一台机器，或者经过代理或容器的端口映射打开了控制台。请打开服务器启动时输出的带 ?key=… 的地址，或者在这里输入密钥。'],
  keyField: ['Key', '密钥'],
  open: ['Open', '打开'],

  user: ['Simulated user', '模拟用户'],
  app: ['Mini program', '小程序'],
  onlyApp: ['by the Referer, or the only one', '由 Referer 决定，或唯一的一个'],
  loggedOut: ['logged out', '未登录'],
  loggedIn: ['logged in', '已登录'],
  login: ['Log in', '登录'],
  again_code: ['The same code again', '再次使用同一个 code'],
  later: ['A code that is five minutes old', '五分钟前的 code'],
  phoneNumber: ['Phone number button', '手机号按钮'],
  profile: ['Save the profile', '保存资料'],
  decrypt: ['Decrypt encryptedData', '解密 encryptedData'],
  checkSession: ['wx.checkSession', 'wx.checkSession'],
  logout: ['Log out', '退出登录'],
  needsLogin: ['Log in first.', '请先登录。'],
  needsCode: ['Log in first, then the code is used.', '请先登录，这样 code 就用过了。'],
  realWechat: ['The real WeChat is configured, so this phone has no codes. Log in with DevTools or a real phone: the log shows each request.', '已配置真实的微信，所以这里的手机没有 code。请在开发者工具或真机上登录，日志会显示每个请求。'],
  sequence: ['The login, step by step', '登录流程'],
  sequenceEmpty: ['Press “Log in”: the requests and replies appear here under the arrows.', '点击“登录”，请求和响应会显示在箭头下方。'],
  laneMini: ['Mini program', '小程序'],
  laneServer: ['Developer server (weapp-login)', '开发者服务器（weapp-login）'],
  laneWechat: ['WeChat (simulated)', '微信接口服务（模拟）'],
  stepLogin: ['wx.login()', 'wx.login() 获取 code'],
  stepCode: ['code', '返回 code'],
  stepRequest: ['wx.request() sends the code', 'wx.request() 发送 code'],
  stepExchange: ['code2Session: AppID, AppSecret, code', '登录凭证校验接口：appid + appsecret + code'],
  stepKey: ['session_key, openid', '返回 session_key + openid 等'],
  stepToken: ['own login state: the token', '返回自定义登录态'],
  stepStored: ['The mini program stores the token and sends it with each request.', '小程序将自定义登录态存入 storage，之后的请求都带上它。'],
  stepClock: ['five minutes pass', '过去五分钟'],
  stepButton: ['button open-type="getPhoneNumber"', 'button open-type="getPhoneNumber"'],
  stepEncrypted: ['wx.getUserInfo()', 'wx.getUserInfo()'],
  stepBusiness: ['wx.request() with the token', 'wx.request() 携带自定义登录态'],
  stepReply: ['reply', '返回业务数据'],
  stepRejected: ['rejected', '被拒绝'],
  stepAsks: ['call to WeChat', '调用微信接口'],
  noCall: ['The server did not call WeChat.', '服务器没有调用微信。'],
  why: ['Why it was rejected', '被拒绝的原因'],
  whyUsed: ['A code of wx.login works once. The first login has used it: call wx.login again for each login.', 'wx.login 的 code 只能使用一次。第一次登录已经用掉了它，每次登录都要重新调用 wx.login。'],
  whyOld: ['A code of wx.login is valid for five minutes. This one is older, so WeChat no longer knows it: send the code at once.', 'wx.login 的 code 五分钟内有效。这个 code 已经过期，微信不再承认它，请获取后立即发送。'],
  succeeded: ['{action}: done', '{action}：成功'],
  failed: ['{action}: {error}', '{action}：{error}'],
  unreachable: ['the server does not respond', '服务器没有响应'],

  filter: ['Filter: path, status, error, request id', '筛选：路径、状态码、错误、请求 ID'],
  onlyErrors: ['Errors only', '仅错误'],
  pause: ['Pause', '暂停'],
  resume: ['Resume ({count} new)', '继续（{count} 条新日志）'],
  clear: ['Clear', '清空'],
  entries: ['{count} of at most 500 entries', '{count} 条，最多 500 条'],
  missed: ['{count} entries came faster than they could be shown', '{count} 条日志来得太快，没有显示'],
  logEmpty: ['Nothing has been requested since this page was opened.', '打开此页面后还没有请求。'],
  logTitle: ['Requests to the server and calls to WeChat', '对服务器的请求和对微信的调用'],
  time: ['Time', '时间'],
  request: ['Request', '请求'],
  status: ['Status', '状态'],
  headers: ['Headers', '请求头'],
  body: ['Body', '请求体'],
  reply: ['Reply', '响应'],
  cause: ['Cause, as logged', '原因（与日志相同）'],
  copyAs: ['Copy as', '复制为'],
  copied: ['Copied as {format}.', '已复制为 {format}。'],
  copiedMasked: ['Copied as {format}. Secrets are masked: fill them in.', '已复制为 {format}。敏感内容已隐藏，请自行填写。'],
  details: ['Details of {request}', '{request} 的详情'],

  people: ['People of the simulated WeChat', '模拟微信中的用户'],
  peopleHelp: ['Any name is a user. Those whose data was changed are listed.', '任何名字都是用户。这里列出修改过资料的用户。'],
  name: ['Name', '名字'],
  nickname: ['Nickname', '昵称'],
  phoneField: ['Phone number', '手机号'],
  blocked: ['Blocked by WeChat', '被微信封禁'],
  save: ['Save', '保存'],
  clock: ['Clock of the simulated WeChat', '模拟微信的时钟'],
  clockHelp: ['It moves only forward. Codes expire after five minutes, access tokens after two hours.', '只能前进。code 五分钟后过期，access_token 两小时后过期。'],
  minutes5: ['5 minutes later', '5 分钟后'],
  hours2: ['2 hours later', '2 小时后'],
  day: ['1 day later', '1 天后'],
  rotation: ['Session key rotation', 'session_key 的更换'],
  rotateAt: ['A new key is issued', '新密钥产生于'],
  issue: ['when the code is issued', '获取 code 时'],
  exchange: ['when the code is exchanged', '兑换 code 时'],
  percent: ['Share of logins with a new key, in percent', '更换密钥的登录比例（%）'],
  lifetime: ['Lifetime of a key, in seconds', '密钥有效期（秒）'],
  faults: ['Faults', '故障'],
  faultsHelp: ['The next replies of WeChat fail in this way.', '微信接下来的响应会这样失败。'],
  endpoint: ['Endpoint', '接口'],
  kind: ['Kind', '类型'],
  errcode: ['errcode', 'errcode'],
  milliseconds: ['Milliseconds', '毫秒'],
  times: ['Number of replies', '次数'],
  inject: ['Inject', '注入'],
  remove: ['Remove all', '全部清除'],
  none: ['None.', '无。'],
  faultRow: ['{endpoint}: next {next}, {queued} queued; always {always}', '{endpoint}：下一个 {next}，队列 {queued} 个；一直 {always}'],
  limits: ['Limits of WeChat', '微信的限额'],
  perMinute: ['Per minute', '每分钟'],
  perDay: ['Per day', '每天'],
  setLimits: ['Set', '设置'],
  limitRow: ['{endpoint}: {minute} per minute, {day} per day', '{endpoint}：每分钟 {minute}，每天 {day}'],
  unlimited: ['no limit', '不限'],
  transfer: ['Export, import, reset', '导出、导入、重置'],
  export: ['Export', '导出'],
  importFile: ['File to import', '要导入的文件'],
  reset: ['Reset', '重置'],
  done: ['Done.', '完成。'],
  notSimulated: ['The real WeChat is configured, so there is nothing to simulate.', '已配置真实的微信，没有可模拟的内容。'],

  users: ['Users', '用户'],
  sessions: ['Sessions', '登录设备'],
  userIdField: ['User id', '用户 ID'],
  openid: ['openid', 'openid'],
  unionid: ['unionid', 'unionid'],
  allApps: ['all', '全部'],
  createdSince: ['First login since', '首次登录不早于'],
  blockedOnly: ['Blocked only', '仅已封禁'],
  search: ['Search', '查询'],
  more: ['More', '更多'],
  sure: ['{action}: are you sure?', '{action}：确定吗？'],
  reason: ['Reason of the block', '封禁原因'],
  block: ['Block', '封禁'],
  unblock: ['Unblock', '解除封禁'],
  endAll: ['End all sessions', '全部下线'],
  endSession: ['End', '下线'],
  deleteUser: ['Delete the user', '删除用户'],
  noSessions: ['No live session.', '没有有效的登录态。'],
  isBlocked: ['blocked {reason}', '已封禁 {reason}'],
  isActive: ['active', '正常'],
  device: ['Device', '设备'],
  loginAt: ['Login', '登录时间'],
  lastSeen: ['Last use', '最近使用'],
  endsAt: ['Ends', '到期时间'],
  userColumn: ['User', '用户'],
  usesApps: ['Logs in to {apps}', '登录的应用：{apps}'],
  conflicts: ['Conflicts', '冲突'],
  conflictsHelp: ['Two users with the same unionid, who are probably one person. A merge ends the sessions of the user that goes, and can be undone.', '两个用户的 unionid 相同，很可能是同一个人。合并会结束被合并用户的会话，之后可以撤销。'],
  openOnly: ['Without a decision only', '仅未处理'],
  undecided: ['open', '未处理'],
  merged: ['merged', '已合并'],
  apart: ['kept apart', '保持两个用户'],
  createdAt: ['First login', '首次登录'],
  apps: ['Apps', '应用'],
  mergeInto: ['Merge into this user', '合并到此用户'],
  keepApart: ['Keep apart', '保持两个用户'],
  reopen: ['Undo the decision', '撤销处理'],
  statistics: ['Statistics', '统计'],
  blockedUsers: ['Blocked users', '已封禁用户'],
  liveSessions: ['Live sessions', '有效登录态'],
  loginsPerDay: ['Logins per day (UTC)', '每日登录次数（UTC）'],
  dayColumn: ['Day', '日期'],
  logins: ['Logins', '登录次数'],
  share: ['Share', '占比'],
  rejections: ['Rejected requests', '被拒绝的请求'],
  adminKeyTitle: ['This page needs an admin key', '此页面需要管理密钥'],
  adminKeyHelp: ['Enter one of the keys of admin.keys. It stays in this tab.', '请输入 admin.keys 中的一个密钥。它只保存在当前标签页。'],

  lastRejection: ['The last rejected request', '最近被拒绝的请求'],
  noRejection: ['No request was rejected since this page was opened.', '打开此页面后没有请求被拒绝。'],
  meaning: ['Meaning', '含义'],
  advice: ['What to do', '解决方法'],
  appIds: ['AppID of the mini program and of the server', '小程序的 AppID 与服务器的 AppID'],
  appIdConfigured: ['Configured', '已配置'],
  appIdReferer: ['In the Referer of the last login', '最近一次登录的 Referer'],
  appIdNone: ['No login with the Referer of a mini program yet. Its requests have https://servicewechat.com/{appid}/….', '还没有带小程序 Referer 的登录。小程序的请求带有 https://servicewechat.com/{appid}/…。'],
  appIdSame: ['They are the same.', '两者相同。'],
  appIdOther: ['They differ: set apps.<name>.app_id and project.config.json to the same AppID.', '两者不同：请把 apps.<name>.app_id 和 project.config.json 设为同一个 AppID。'],
  appIdSimulated: ['They differ, which is accepted while WeChat is simulated.', '两者不同，但在模拟微信时可以接受。'],
  settings: ['Settings: findings of config check', '设置：config check 的结果'],
  check: ['Check the files now', '立即检查配置文件'],
  accepted: ['The server accepts these settings. Each has its origin.', '服务器接受这些设置。每一项都标有来源。'],
  rejected: ['The server would not start with these settings:', '使用这些设置，服务器将无法启动：'],
  explain: ['Explain an errcode', '解释 errcode'],
  lookUp: ['Look up', '查询'],
  unknownErrcode: ['This number is not in the table.', '表中没有这个数字。'],
}

export const KEYS = Object.keys(ROWS)

const LANGUAGES = ['en', 'zh']
const STORED = 'weapp-login console language'
const listeners = new Set()
let current = 0

// Returns a text in the current language, with `{name}` replaced.
export function t(key, args = {}) {
  const text = ROWS[key]?.[current] ?? key
  return text.replace(/\{(\w+)\}/g, (gap, name) => args[name] ?? gap)
}

// Writes the texts that an element names.
export function translate(node) {
  const args = node.dataset.args ? JSON.parse(node.dataset.args) : {}
  if (node.dataset.text) node.textContent = t(node.dataset.text, args)
  if (node.dataset.label) node.setAttribute('aria-label', t(node.dataset.label, args))
  if (node.dataset.hint) node.setAttribute('placeholder', t(node.dataset.hint, args))
}

export function setLanguage(language) {
  current = Math.max(0, LANGUAGES.indexOf(language))
  document.documentElement.lang = current ? 'zh-CN' : 'en'
  document.querySelectorAll('[data-text],[data-label],[data-hint]').forEach(translate)
  document.title = `weapp-login ${t('console')}`
  listeners.forEach((listener) => listener())
}

export const onLanguage = (listener) => listeners.add(listener)

export const isChinese = () => current === 1

// The chosen language, or that of the browser.
export function startLanguage() {
  const chosen = localStorage.getItem(STORED) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en')
  setLanguage(chosen)
}

export function switchLanguage() {
  const language = isChinese() ? 'en' : 'zh'
  localStorage.setItem(STORED, language)
  setLanguage(language)
}
